"""Class rules: ordered, versioned, and each record lands in exactly one class.

The first rule whose conditions a record meets names its class; where none does, the default class
stands. MoReq2010 asks for exactly one schedule per record: two could never conflict.
"""

from dataclasses import dataclass
from typing import Any

from retention.documents import Document, decode, present
from retention.errors import DefinitionError
from retention.facts import Facts
from retention.schedules import code_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Facts that put a record in a class. Values are compared exactly, letter case included.

    A condition lists the values that meet it; empty, it asks nothing. All conditions must be met.
    `tags` is met by a record that has at least one of them.

    Raises:
        DefinitionError: no id, an ill-formed class code, or no condition at all (a rule that takes
            every record hides the rules below it; that is what the default class is for).
    """

    id: str
    class_code: str
    platforms: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = code_problems(self.class_code)
        if not self.id.strip():
            problems.append("expected a rule with an id, found none")
        if not any(values for _, values in self.conditions):
            problems.append(
                f"expected rule {self.id!r} to have a condition; for every other record set the "
                "default class"
            )
        if problems:
            raise DefinitionError(*problems)

    def matches(self, facts: Facts) -> bool:
        """Tell whether a record with these facts meets every condition."""
        return (
            (not self.platforms or facts.platform in self.platforms)
            and (not self.accounts or facts.account in self.accounts)
            and (not self.units or facts.unit in self.units)
            and (not self.kinds or facts.kind in self.kinds)
            and (not self.directions or facts.direction in self.directions)
            and (not self.tags or any(tag in self.tags for tag in facts.tags))
        )

    def hides(self, later: "Rule") -> bool:
        """Tell whether no record can reach `later`, a rule below this one.

        So it is where each condition of this rule is asked by `later` too, of no other values.
        """
        return all(
            not mine or (bool(theirs) and set(theirs) <= set(mine))
            for (_, mine), (_, theirs) in zip(self.conditions, later.conditions, strict=True)
        )

    def described(self) -> str:
        """Return the conditions in words, such as `platform is x; kind is post or reply`."""
        return "; ".join(
            f"{name} is {' or '.join(values)}" for name, values in self.conditions if values
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; conditions that ask nothing are left out."""
        conditions = {f"{name}s": list(values) for name, values in self.conditions if values}
        return {"id": self.id, "class_code": self.class_code, **conditions}

    @property
    def conditions(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Every condition by its name, with its values; those without values ask nothing."""
        return (
            ("platform", self.platforms),
            ("account", self.accounts),
            ("unit", self.units),
            ("kind", self.kinds),
            ("direction", self.directions),
            ("tag", self.tags),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The class of a record and why. `rule_id` is empty where the default class stands."""

    class_code: str
    rule_id: str
    rules_version: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """One version of the class rules, in order.

    Raises:
        DefinitionError: an ill-formed default class, a version under 1, or a rule id used twice.
    """

    version: int
    default_class: str
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        problems = code_problems(self.default_class)
        if self.version < 1:
            problems.append(f"expected a version from 1 up, found {self.version}")
        ids = [rule.id for rule in self.rules]
        problems.extend(
            f"expected every rule to have an id of its own, found {each!r} more than once"
            for each in sorted({each for each in ids if ids.count(each) > 1})
        )
        if problems:
            raise DefinitionError(*problems)

    @property
    def class_codes(self) -> frozenset[str]:
        """Every class these rules can name: each must have a schedule before they take force."""
        return frozenset({self.default_class, *(rule.class_code for rule in self.rules)})

    def assign(self, facts: Facts) -> Assignment:
        """Return the one class of a record with these facts."""
        for rule in self.rules:
            if rule.matches(facts):
                return Assignment(
                    class_code=rule.class_code,
                    rule_id=rule.id,
                    rules_version=self.version,
                    reason=(
                        f"Rule {rule.id} of class rules version {self.version} names class "
                        f"{rule.class_code}: {rule.described()}."
                    ),
                )
        return Assignment(
            class_code=self.default_class,
            rule_id="",
            rules_version=self.version,
            reason=(
                f"No rule of class rules version {self.version} matches: the default class "
                f"{self.default_class} stands."
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "version": self.version,
            "default_class": self.default_class,
            "rules": [rule.to_dict() for rule in self.rules],
        }

    @staticmethod
    def from_dict(value: object) -> "RuleSet":
        """Return the rule set whose JSON form is `value`.

        Raises:
            DefinitionError: `problems` lists everything that is wrong with it.
        """
        return decode(value, _read_rules, path="rules")


def _read_rule(document: Document) -> Rule | None:
    return document.build(
        Rule,
        id=document.text("id"),
        class_code=document.text("class_code"),
        platforms=document.texts("platforms", optional=True),
        accounts=document.texts("accounts", optional=True),
        units=document.texts("units", optional=True),
        kinds=document.texts("kinds", optional=True),
        directions=document.texts("directions", optional=True),
        tags=document.texts("tags", optional=True),
    )


def _read_rules(document: Document) -> RuleSet | None:
    return document.build(
        RuleSet,
        version=document.integer("version"),
        default_class=document.text("default_class"),
        rules=present(_read_rule(each) for each in document.tables("rules")),
    )
