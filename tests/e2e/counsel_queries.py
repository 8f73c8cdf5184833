# ruff: noqa: E501 - a query and its meaning stand on one line; real signs of real posts
"""Fifty queries of a kind counsel would write, and what each means, said a second time by hand."""

from tests.e2e.raw_tweets import (
    Rule,
    any_of,
    both,
    by,
    either,
    just,
    like,
    near,
    one_slip,
    phrase,
    posted,
    says,
    without,
    word,
)

_VOTE = word("vote", "votes", "voting", "ballot", "ballots")
_MASK = word("mask", "masks")

QUERIES: list[tuple[str, Rule]] = [
    # words, phrases and their combinations
    ("vaccine", says(word("vaccine"))),
    ('"climate change" AND NOT from:RepJacobs', without(says(phrase("climate", "change")), by("repjacobs"))),
    ("#COVID19", says(just("#covid19"))),
    ('"supreme court" AND (barrett OR ginsburg)', both(says(phrase("supreme", "court")), says(word("barrett", "ginsburg")))),
    ("vote AND from:SenatorLoeffler", both(says(word("vote")), by("senatorloeffler"))),
    ('"health care" AND NOT trump', without(says(phrase("health", "care")), says(word("trump")))),
    ("from:RepAdamSchiff OR from:SpeakerPelosi", by("repadamschiff", "speakerpelosi")),
    ("mañana OR jóvenes", says(word("manana", "jovenes"))),
    ('"affordable care act" AND NOT (#ACA OR repeal)', without(says(phrase("affordable", "care", "act")), says(any_of(just("#aca"), word("repeal"))))),
    ("wildfires OR wildfire", says(word("wildfires", "wildfire"))),
    ('"pre-existing conditions"', says(phrase("pre", "existing", "conditions"))),
    ("@realDonaldTrump AND (resign OR impeach OR impeached)", both(says(just("@realdonaldtrump")), says(word("resign", "impeach", "impeached")))),
    ("U.S. AND army", both(says(just("u.s")), says(word("army")))),
    ("(masks OR mask) AND NOT (mandate OR mandates)", without(says(_MASK), says(word("mandate", "mandates")))),
    ('"tax cuts" OR "tax cut" OR "tax relief"', says(phrase("tax", "cuts?|relief"))),
    # dates and fields
    ("healthcare AND after:2020-10-15 AND before:2020-10-20", both(says(word("healthcare")), posted("2020-10-15T00:00:00+00:00", "2020-10-20T00:00:00+00:00"))),
    ("election AND posted:2020-10-22", both(says(word("election")), posted("2020-10-22T00:00:00+00:00", "2020-10-23T00:00:00+00:00"))),
    ("vote AND after:2020-10-30T17:00:00-04:00 AND before:2020-11-01", both(says(word("vote")), posted("2020-10-30T17:00:00-04:00", "2020-11-01T00:00:00+00:00"))),
    ("platform:x AND (subpoena OR subpoenas)", says(word("subpoena", "subpoenas"))),
    ("from:SenWarren AND posted:2020-10-01..2020-10-07", both(by("senwarren"), posted("2020-10-01T00:00:00+00:00", "2020-10-08T00:00:00+00:00"))),
    ("has:link AND fraud", both(lambda tweet: any(each.startswith(("http://", "https://", "www.")) for each in tweet.words), says(word("fraud")))),
    ("NOT has:link AND fraud", both(lambda tweet: not any(each.startswith(("http://", "https://", "www.")) for each in tweet.words), says(word("fraud")))),
    # patterns
    ("fraud*", says(like("fraud.*"))),
    ("*vaccin*", says(like(".*vaccin.*"))),
    ("elect* AND NOT election", without(says(like("elect.*")), says(word("election")))),
    ("wom?n", says(like("wom.n"))),
    ("#covid*", says(like("#covid.*"))),
    ("@rep*schiff", says(like("@rep.*schiff"))),
    ("*ization AND organi?ation", both(says(like(".*ization")), says(like("organi.ation")))),
    ('"stimulus check*"', says(phrase("stimulus", "check.*"))),
    ('"*eme court justice"', says(phrase(".*eme", "court", "justice"))),
    # similar and stemmed words
    ("filibuster~1", says(one_slip("filibuster"))),
    ("kavanaugh~1 OR barret~1", says(any_of(one_slip("kavanaugh"), one_slip("barret")))),
    ("stem:unemployment", says(like("unemploy(ment|ed|able)?('s)?"))),
    # proximity
    ("vote w/3 mail", says(near(word("vote"), word("mail"), 3))),
    ("mail w/3 vote", says(near(word("vote"), word("mail"), 3))),
    ("social pre/1 security", says(near(word("social"), word("security"), 1, ordered=True))),
    ("security pre/10 social", says(near(word("security"), word("social"), 10, ordered=True))),
    ("vote w/4 vote", says(near(word("vote"), word("vote"), 4))),
    ("(vote OR votes OR voting OR ballot OR ballots) w/5 (fraud* OR rig* OR stol*)", says(near(_VOTE, any_of(like("fraud.*"), like("rig.*"), like("stol.*")), 5))),
    ('"supreme court" w/6 (nominee OR nominat*)', says(near(phrase("supreme", "court"), any_of(word("nominee"), like("nominat.*")), 6))),
    ('"health care" pre/8 (afford* OR "pre-existing")', says(near(phrase("health", "care"), any_of(like("afford.*"), phrase("pre", "existing")), 8, ordered=True))),
    ("(small pre/1 business*) w/5 (loan* OR ppp)", says(near(near(word("small"), like("business.*"), 1, ordered=True), any_of(like("loan.*"), word("ppp")), 5))),
    ("(mask* w/3 wear*) w/4 distanc*", says(near(near(like("mask.*"), like("wear.*"), 3), like("distanc.*"), 4))),
    ('("postal service" w/5 delay*) OR (usps w/5 delay*)', either(says(near(phrase("postal", "service"), like("delay.*"), 5)), says(near(word("usps"), like("delay.*"), 5)))),
    ('((mitch pre/1 mcconnell) w/10 (heroes OR relief)) AND NOT "heroes act"', without(says(near(near(word("mitch"), word("mcconnell"), 1, ordered=True), word("heroes", "relief"), 10)), says(phrase("heroes", "act")))),
    ("#ACA w/10 (repeal* OR dismantl* OR overturn*)", says(near(just("#aca"), any_of(like("repeal.*"), like("dismantl.*"), like("overturn.*")), 10))),
    ("(trump w/10 taxes) AND NOT (irs OR from:RepRichardNeal)", without(says(near(word("trump"), word("taxes"), 10)), either(says(word("irs")), by("reprichardneal")))),
    # other scripts, signs and forms
    ("🇺🇸 AND (veteran OR veterans)", both(says(just("🇺🇸")), says(word("veteran", "veterans")))),
    ("“climate crisis” OR “climate emergency”", says(phrase("climate", "crisis|emergency"))),
]  # fmt: skip
"""As typed, and by hand. One line each, so that the two can be read against each other."""
