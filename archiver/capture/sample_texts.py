"""What people at Harbour & Finch Brokers, and those who write to them, say in the demonstration.

Templates hold slots in braces, filled by `sample_company` from `SLOTS`.
"""

from collections.abc import Mapping

SLOTS: Mapping[str, tuple[str, ...]] = {
    "sector": (
        "municipal bonds",
        "European utilities",
        "small-cap industrials",
        "short-dated gilts",
        "semiconductors",
        "REITs",
        "consumer staples",
        "Nordic shipping",
        "emerging-market debt",
        "renewable energy",
    ),
    "index": ("S&P 500", "FTSE 100", "DAX", "Nikkei 225", "STOXX 600", "SMI"),
    "city": ("Boston", "London", "Zürich", "Frankfurt", "Singapore", "Lisbon", "Athens"),
    "event": (
        "the Fed minutes",
        "Thursday's CPI print",
        "the ECB decision",
        "quarterly earnings",
        "the budget statement",
        "Friday's payrolls",
    ),
    "person": ("Amira", "Tom", "Keiko", "Nikos", "Ines", "Greg", "Farid", "Lena"),
    "client": ("Mr Alder", "Mrs Okafor", "the Brandt family", "Delphi Marine", "Pine Street LLC"),
    "move": ("rose 1.2%", "slipped 0.8%", "closed flat", "gained 2.4%", "fell 3.1%"),
    "number": ("3", "5", "12", "40", "150", "1,200"),
    "form": ("Form CRS", "Form ADV", "the fee schedule", "the annual privacy notice"),
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "tag": ("#investing", "#markets", "#retirement", "#fixedincome", "#ESG", "#wealth"),
}

PUBLIC = (
    "The {index} {move} today as traders weighed {event}. Our desk's note is on the website. {tag}",
    "Why we still like {sector}: {number} charts, one caveat. The past is no guide to it. {tag}",
    "Join {person} in {city} on {day} for our talk on {sector}. Seats are few, coffee is not ☕",
    "New on the blog: what {event} means for your pension, in plain words. {tag}",
    "We have updated {form}. Please read it before your next review meeting.",
    "Markets {move}. Volatility is the price of admission, not a fine. {tag}",
    "Proud to welcome {person} to our {city} office as head of {sector} research 🎉",
    "{number} questions to ask before you buy {sector}, from our analyst {person}.",
    "Holiday hours: our {city} branch closes at noon on {day}. Online orders work as usual.",
    "Ahead of {event}: what is priced in, what is not, and what we would do about {sector}.",
    "Our charity row across the harbour paid for {number} school libraries. Thank you, {city}!",
    "$HFBK will report on {day} before the open. Webcast details are on the investor page.",
    "Rates up, bonds down: a short thread on duration for holders of {sector} 🧵",
    "Investments can fall as well as rise. That said, {sector} {move} this week. {tag}",
)

RISKY = (
    "Guaranteed returns of {number}% a year in {sector}. Ask me how!",
    "Honestly you can't lose with {sector} right now. Risk-free money.",
    "Hearing {client} is about to be bought. Keep it between us until {day}.",
    "Let's take this to WhatsApp, compliance reads this channel.",
    "Please delete this after reading: the allocation for {client} was moved before {event}.",
    "My inside contact says {event} will surprise. Buy {sector} before {day}, sure thing 🚀",
    "We promised {client} we would cover any loss. Do not put that in writing.",
)

INTERNAL = (
    "Morning all, {index} {move} overnight. Client calls on {sector} first, please.",
    "{person}, can you send {client} the suitability form before {day}?",
    "The trade blotter for {city} is {number} lines short, I am reconciling it now.",
    "Reminder: pre-clear personal trades before {event}.",
    "{client} asked for {form} again. Sent, logged in the CRM.",
    "Lunch at the fish place? {number} of us so far.",
    "Best execution report for {sector} is in the shared folder.",
    "Complaint from {client} about fees, I opened case {number}. {person} has it.",
    "System maintenance on {day} evening, orders by phone only.",
    "Who covers {city} while {person} is away?",
)

REPLIES = (
    "Thanks, this is useful. Does it apply to {sector} as well?",
    "I have been waiting {number} days for an answer to my complaint.",
    "Great session in {city}, see you at the next one!",
    "What are your fees for {sector}?",
    "Hi, we have sent you a direct message. {person} from client service will help.",
    "On it, will report back by {day}.",
    "Good point. Chart attached in the note.",
    "Is this advice or advertising? Asking for a friend.",
)

CORRECTIONS = ("Edit: figures corrected.", "Update: the date has moved.", "(Typo fixed.)")

# ruff: noqa: RUF001 - Greek and Cyrillic letters are meant
OTHER_LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "de": (
        "Unser Ausblick für {sector}: Chancen, Risiken, Nebenwirkungen. Grüße aus {city}.",
        "Bitte beachten Sie die Risikohinweise zum {index}. Fragen? Rufen Sie uns an.",
    ),
    "fr": (
        "Nos bureaux de {city} ferment à midi. Merci de votre fidélité !",
        "Les performances passées ne préjugent pas des performances futures. {tag}",
    ),
    "es": ("Nuevo informe sobre {sector}: {number} gráficos y una advertencia. ¿Preguntas?",),
    "ja": ("本日の{index}の動きを当社アナリストが解説しました。投資は自己責任でお願いします。",),
    "ar": ("تقريرنا الجديد عن الأسواق متاح الآن. الأداء السابق لا يضمن النتائج المستقبلية.",),
    "el": ("Νέα ανάλυση για τις αγορές: τι σημαίνει για τους επενδυτές μας στην Αθήνα.",),
    "hi": ("बाज़ार के बारे में हमारी नई रिपोर्ट पढ़ें। निवेश जोखिम के अधीन है।",),
    "ru": ("Наш обзор рынка: {index}. Инвестиции сопряжены с риском.",),
}
