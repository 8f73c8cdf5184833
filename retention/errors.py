"""Every error the retention engine raises, in families by who must act.

```
RetentionError
├── DefinitionError        a period, schedule, rule set or template is malformed; its author acts
│   └── TemplateNotFoundError   no shipped template has this id
└── FactsError             what is said of a record is impossible; the caller acts
```
"""


class RetentionError(Exception):
    """Root of every error of the retention engine."""


class DefinitionError(RetentionError):
    """A period, term, schedule, rule set or template is malformed.

    `problems` lists everything that is wrong, one sentence each, so that an author can repair it
    in one go.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class TemplateNotFoundError(DefinitionError):
    """No shipped template has this id."""


class FactsError(RetentionError):
    """A moment given about a record is naive or outside the years the engine counts in."""
