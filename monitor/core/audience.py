"""Which professions a post is by or for: physicians, nurses, public_health; several are possible.

Evidence in order of weight: what the item declares; the author's own bio (reduced to classes at once, never kept);
hashtags of professional communities; words that address a profession; the source's prior. Nothing speaks: 'other'.
Only a profession is ever derived, never anything about a person's health.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from monitor.core.phrases import Hit, Phrase

PHYSICIANS, NURSES, PUBLIC_HEALTH = "physicians", "nurses", "public_health"
OTHER = ("other",)

# ── bios ────────────────────────────────────────────────────────────────────────────────────────────────────

_SPECIALTIES = (
    "cardi|electrophysi|oncol|hemat|haemat|neur|nephr|hepat|gastroenter|pulmon|pneumon|rheumat|dermat|endocrin|ur|gynec|gynaec"
    "|ophthalm|anesthesi|anaesthesi|radi|path|immun|allerg|neonat|perinat|geront|laryng|otolaryng|rhin|proct|diabet|phleb|traumat|toxic|psychoonc|vener"
)
_PHYSICIAN = (
    r"physicians?|(?:medical\s+)?doctor|surgeons?|[a-z]{0,20}surgeon|pa?ediatricians?|psychiatrists?|general\s+practitioner|family\s+(?:doc|medicine\s+doc)"
    r"|obstetricians?|internists?|hospitalists?|intensivists?|geriatricians?|physiatrists?|anaesthetists?|nocturnist|\w{0,6}(?:"
    + _SPECIALTIES.replace("oncol|", "onc|")
    + r")ologists?"
    r"|ob[\s/-]?gyn|emergency\s+(?:medicine\s+)?(?:doc|physician)|er\s+doc|icu\s+doc|(?:chief|senior|surgical|medicine|pediatric)\s+resident|registrar\s+in\s+\w+"
    r"|consultant\s+(?:in\s+)?(?:an\w{0,2}sthe\w+|cardio\w+|onco\w+|psychiat\w+|p\w?ediatric\w+|surge\w+|neuro\w+|radiolog\w+|patholog\w+|geriatric\w+|acute\s+medicine|emergency\s+medicine)"
    r"|(?:attending|fellow)\s+in\s+(?:medicine|cardiology|oncology|surgery|neurology)"
    r"|médecin|medecin|chirurgien(?:ne)?|cardiologue|pédiatre|psychiatre|généraliste|arzt|ärztin|fachärztin|facharzt|chirurgin|kinderärztin|kinderarzt|hausärztin|hausarzt"
    r"|médic[oa]|medic[oa]\s+chirurgo|cirujan[oa]|pediatra|psiquiatra|cardiólog[oa]|oncólog[oa]|cirurgi[ãa]o?"
)
_NURSE = (
    r"nurses?|nursing\s+(?:professor|educator|leader|director|informatics|faculty|lecturer|researcher)|nurse[\s-]practitioner|infirmi(?:er|ère)s?|enfermer[oa]s?"
    r"|infermier[ei]|enfermeir[oa]s?|krankenschwester|krankenpfleger(?:in)?|pflegefach(?:kraft|frau|mann|person)|gesundheits-\s?und\s+krankenpfleger(?:in)?"
)
_PUBLIC = (
    r"public[\s-]health|epidemiologists?|health\s+educators?|health\s+promotion|global\s+health|health\s+education\s+specialist|community\s+health\s+worker"
    r"|disease\s+detective|gesundheitswissenschaftler(?:in)?|epidemiolog(?:e|in|a|o)|épidémiologiste|epidemiólog[oa]|santé\s+publique|salud\s+pública|saúde\s+pública|salute\s+pubblica|sanità\s+pubblica"
)
_WORDS = re.compile(rf"\b(?:(?P<p>{_PHYSICIAN})|(?P<n>{_NURSE})|(?P<h>{_PUBLIC}))\b", re.IGNORECASE)
_LETTERS = re.compile(
    r"(?<![\w.])(?:(?P<p>M\.?D\.?|MBBS|MBChB|MB\s?BCh|MRCP|FRCP[CS]?|FRCS|MRCGP|FACP|FACC|FACS|FAAP|FACOG|FASCO|DO|GP)"
    r"|(?P<n>RN|R\.N\.|BSN|MSN|DNP|LPN|LVN|APRN|CRNA|FNP(?:-\w{1,3})?|ARNP|ICU\s+NP|NP|CNM|RGN|RMN|FAAN)"
    r"|(?P<h>MPH|M\.P\.H\.|DrPH|MCHES|CHES|FFPH|MSPH))(?!\w)(?!\.\w)"
)
"""Post-nominal letters, case as written."""

_BEFORE_GUARD = re.compile(
    r"(?:\b(?:student|future|aspiring|pre-?|former\s+patient\s+of|not\s+(?:a|an|your)|isn'?t\s+an?|wanna\s?be|want\s+to\s+be|hope\s+to\s+be|soon[\s-]to[\s-]be"
    r"|(?:wife|husband|mom|mum|mother|dad|father|son|daughter|child|partner|spouse|sister|brother|friend|fan|ally|advocate|lawyer|attorney|recruiter|consultant|coach|agent|software|app|jobs?|staffing)\s+(?:of|to|for)"
    r"(?:\s+(?:an?|the|my|busy|all|our))*|married\s+to\s+(?:an?|the|my)|(?:my|your|our|the|find\s+a|witch|spin|plant|love|computer|car|tree|script|dog)"
    r"|news\s+(?:for|about)|helping|empowering|connecting|supporting|we\s+help|serving|for|playing|played)\s+(?:\w+\s+)?)$",
    re.IGNORECASE,
)
_AFTER_GUARD = re.compile(
    r"^(?:['’]s\s+(?:wife|husband|mom|mum|daughter|son|office|kid)|\s+(?:student|wife|husband|mom|mum|wannabe|to\s+be|in\s+the\s+making|who\b|strange\b|house\b|fan\b|shark|jobs?|recruit\w+|staffing"
    r"|of\s+(?:philosophy|education|divinity|law|theology|music|physics|letters|chiropractic|naturopath\w*|psychology|dental|veterinary|pharmacy)|journal|news|bot|magazine|association|times|home))",
    re.IGNORECASE,
)
_NOT_THESE = re.compile(
    r"\b(?:medical\s+physicist|dentists?|dental\s+surgeon|tree\s+surgeon|veterinary\s+surgeon|vet(?:erinarian)?|homeopath|naturopath|chiropractor|nursing\s+home|nurse\s+shark|doctor\s+who"
    r"|(?:student|future|aspiring|trainee)\s+nurse|nursing\s+student|med(?:ical)?\s+student|premed|pre-med|md[/-]phd\s+student|virologists?)\b",
    re.IGNORECASE,
)
_MARYLAND = re.compile(
    r"(?:Baltimore|Bethesda|Rockville|Annapolis|Silver Spring|Columbia|Frederick|Gaithersburg|Towson|Germantown|Hagerstown|Salisbury|College Park|Laurel),?\s*$"
)
_STUDENT = re.compile(
    r"\b(?:MD|MPH|BSN|MSN|DNP|RN|medical|nursing|med)\s+(?:student|candidate)\b|\bcandidate\b", re.IGNORECASE
)
_ORGANISATION = re.compile(
    r"\b(?:journal|magazine|bot|newsfeed|news\s+(?:feed|site)|weekly|marketing|recruitment|software|startup)\b",
    re.IGNORECASE,
)
_STEMS = [
    "physic",
    "doctor",
    "surge",
    "ologist",
    "iatri",
    "nurs",
    "practition",
    "obstetric",
    "internist",
    "hospitalist",
    "intensivist",
    "anesth",
    "anaesth",
    "nocturn",
    "gyn",
    "resident",
    "registrar",
    "consultant",
    "epidemiolog",
    "épidémiolog",
    "arzt",
    "ärzt",
    "chirur",
    "cirujan",
    "cirurg",
    "infirmi",
    "enferm",
    "krankens",
    "krankenp",
    "pflegef",
    "médic",
    "médec",
    "medico",
    "medica",
    "medecin",
    "pediatr",
    "psiquiatr",
    "psychiatre",
    "pédiatre",
    "cardiol",
    "oncólog",
    "généraliste",
]
_STEMS += ["public health", "public-health", "health educ", "health prom", "global health", "health worker", "medica ", "er doc", "icu doc", "family doc",
           "medicine doc", "disease detective", "fellow in", "gesundheits", "salud púb", "santé pub", "saúde púb", "salute pub", "sanità pub"]  # fmt: skip
"""Every word of _WORDS contains one of these: a bio without any is not searched."""
BIO_LIMIT = 1_000


BANDS = ("under-1k", "1k-10k", "10k-100k", "100k-1m", "over-1m")
"""How many follow an author, in classes too wide to find somebody by."""


def follower_band(followers: int | None) -> str | None:
    """The class of a number of followers; None stays None."""
    return None if followers is None else BANDS[bisect_right((1_000, 10_000, 100_000, 1_000_000), followers)]


def classes_of_bio(bio: str | None) -> tuple[str, ...]:
    """Professions that a bio claims for its own author, sorted; () if none. Guards: students, relatives, negations, namesakes."""
    if not bio:
        return ()
    bio = bio[:BIO_LIMIT]
    found: set[str] = set()
    blocked = [match.span() for match in _NOT_THESE.finditer(bio)]
    lowered = bio.lower()
    patterns = (_WORDS, _LETTERS) if any(stem in lowered for stem in _STEMS) else (_LETTERS,)
    for pattern in patterns:
        for match in pattern.finditer(bio):
            start, end = match.span()
            if any(low <= start < high or low < end <= high for low, high in blocked):
                continue
            group = match.lastgroup
            before, after = bio[max(0, start - 45) : start], bio[end : end + 30]
            clause = re.split(r"[|•;.\n/]|(?<!not a),", before)[-1]
            if _BEFORE_GUARD.search(clause) or _AFTER_GUARD.match(after):
                continue
            if pattern is _LETTERS and not _letters_count(match.group(), before, after):
                continue
            found.add({"p": PHYSICIANS, "n": NURSES, "h": PUBLIC_HEALTH}[group or ""])
    if found and _ORGANISATION.search(bio) and not _LETTERS.search(bio):
        return ()
    return tuple(sorted(found))


def _letters_count(letters: str, before: str, after: str) -> bool:
    if _STUDENT.match(letters + after):
        return False
    plain = letters.replace(".", "")
    if plain == "MD" and _MARYLAND.search(before):
        return False
    if plain == "DO":  # 'DO NOT' and 'DO' in capitals: only as letters after a name
        return before.rstrip().endswith((",", "|")) and not after.lstrip()[:3].upper().startswith(("NOT", "YOU", "IT"))
    if plain == "NP":
        return not after.lstrip().startswith(("-", "="))
    return True


# ── texts ───────────────────────────────────────────────────────────────────────────────────────────────────

_TAGS = {
    PHYSICIANS: "medtwitter medsky medicaltwitter foamed foamcc foamped foamems tipsfornewdocs womeninmedicine womeninsurgery juniordoctors juniordoctor"
    " residentdoctors cardiotwitter cardioed neurotwitter oncotwitter pedstwitter nephtwitter gitwitter radtwitter pathtwitter dermtwitter iditwitter"
    " psychtwitter surgtwitter obgyntwitter emimcc somedocs doctorsofinstagram physicianlife physicianmom physicianburnout ilooklikeasurgeon medstudenttwitter"
    " gptwitter gpsky teamgp docsoftiktok meded cardiosky onctwitter hemetwitter idtwitter emdocs",
    NURSES: "nursetwitter nursesky nurselife nurselifestyle nursesofinstagram nursesoftiktok nursetok nursingcommunity wenurses wecnurses rnlife icunurse ernurse"
    " nursesrock nursepower nursesunite nursepractitioner nursepractitioners nurseeducator nursesweek nursingleadership wemhnurses murse travelnurse nurseburnout",
    PUBLIC_HEALTH: "publichealthtwitter publichealthsky epitwitter episky phsky twitterepi healthpromotion healtheducator healtheducation wephns"
    " publichealthworkers thisispublichealth nphw publichealthweek fieldepidemiology",
}
_BY_TAG = {tag: audience for audience, tags in _TAGS.items() for tag in tags.split()}
del _BY_TAG["medstudenttwitter"]

_ADDRESSED = {
    PHYSICIANS: "for physicians|for doctors|for clinicians|for gps|for general practitioners|for surgeons|for family physicians|for cardiologists|for oncologists"
    "|for residents and fellows|for primary care physicians|für ärzte|für ärztinnen|für hausärzte|pour les médecins|para médicos|per medici|per i medici|para los médicos",
    NURSES: "for nurses|for nursing staff|for nurse practitioners|for registered nurses|for nurse leaders|for nurse managers|für pflegekräfte|für pflegende|pour les infirmiers"
    "|pour les infirmières|para enfermeras|para enfermeros|para enfermería|para enfermeiros|per infermieri|per gli infermieri",
    PUBLIC_HEALTH: "for public health professionals|for public health practitioners|for public health workers|for health educators|for epidemiologists"
    "|for public health officials|for health departments|for community health workers|for public health leaders",
}
_CERTAIN = {
    PHYSICIANS: "ama pra category 1|cme credit|cme activity|earn cme|free cme|cme accredited|dear doctors|fellow physicians|fellow doctors|attention physicians"
    "|calling all physicians|calling all doctors|my fellow doctors|we physicians|physician readers|ärztliche fortbildung|formation médicale continue|formación médica continuada",
    NURSES: "dear nurses|fellow nurses|attention nurses|calling all nurses|we nurses|my fellow nurses|nursing ce credit|cne credit|nursing cpd|nursing contact hours|ancc contact hours"
    "|ce for nurses|nursing continuing education|happy nurses week|shout out to nurses|nurse colleagues",
    PUBLIC_HEALTH: "public health colleagues|fellow epidemiologists|calling all health educators|attention public health professionals|dear public health colleagues"
    "|health alert network|ches credit|cphce credit|mches credit",
}
_OFFER = re.compile(
    r"\b(?:guide|guidance|guidelines?|tips?|resources?|advice|education|courses?|webinars?|training|toolkits?|tools?|updates?|podcasts?|handbook|information|community|conference|careers?|lessons|pearls|checklist"
    r"|network|essentials|review|briefing|newsletter|news|reading|must-?knows?|primer|q&a|programme|program|faqs?|need to know|takeaways|recommendations|support"
    r"|leitlinien?|fortbildung|ratgeber|tipps|schulung|informationen|formations?|guides?|conseils|ressources|curso|cursos|guía|guías|formación|recursos|consejos|corso|corsi|guida|formazione|consigli|risorse|formação|guia|dicas)\b"
    r"[^.!?:]{0,40}$",
    re.IGNORECASE,
)
_CATEGORIES = {
    "nursing": NURSES, "nurses": NURSES, "for nurses": NURSES, "nurse practitioners": NURSES, "nursing practice": NURSES, "pflege": NURSES,
    "physicians": PHYSICIANS, "for physicians": PHYSICIANS, "for clinicians": PHYSICIANS, "clinicians": PHYSICIANS, "doctors": PHYSICIANS,
    "medical education": PHYSICIANS, "cme": PHYSICIANS,
    "public health professionals": PUBLIC_HEALTH, "health educators": PUBLIC_HEALTH, "public health practice": PUBLIC_HEALTH,
    "epidemiologists": PUBLIC_HEALTH,
}  # fmt: skip
ADDRESSED, CERTAIN = "addressed", "addressed for certain"


def phrases() -> Iterator[Phrase]:
    """What to look for in texts."""
    for kind, table in ((ADDRESSED, _ADDRESSED), (CERTAIN, _CERTAIN)):
        for audience, texts in table.items():
            for text in texts.split("|"):
                yield Phrase(kind, audience, text, inflect=False)


class Audience(NamedTuple):
    classes: tuple[str, ...]
    reason: str


def audience_of(
    *,
    declared: tuple[str, ...] | None,
    bio: tuple[str, ...],
    tags: frozenset[str],
    categories: tuple[str, ...],
    hits: Mapping[str, list[Hit]],
    text: str,
    body_at: int,
    prior: tuple[str, ...],
) -> Audience:
    """The audience of a post, sorted, never empty. `text` is the cleaned title and body; the body starts at `body_at`."""
    if declared:
        return Audience(tuple(sorted(set(declared))), "declared by the item")
    found: dict[str, str] = {}
    for audience in bio:
        found[audience] = "the author's bio says so"
    if tags:
        for tag in sorted(tags & _BY_TAG.keys()):
            found.setdefault(_BY_TAG[tag], f"#{tag}")
    for hit in hits.get(CERTAIN, ()):
        found.setdefault(hit.phrase.key, f"'{text[hit.start : hit.end]}'")
    for hit in hits.get(ADDRESSED, ()):
        if hit.phrase.key not in found and _addresses(hit, text, body_at):
            found[hit.phrase.key] = f"'{text[hit.start : hit.end]}'"
    for category in categories:
        named = _CATEGORIES.get(category.strip().lower())
        if named is not None:
            found.setdefault(named, f"filed under '{category.strip()}'")
    if found:
        return Audience(tuple(sorted(found)), "; ".join(f"{name}: {why}" for name, why in sorted(found.items())))
    if prior and tuple(prior) != OTHER:
        return Audience(tuple(sorted(set(prior))), "whom this source usually speaks to")
    return Audience(OTHER, "nothing speaks for a profession")


def _addresses(hit: Hit, text: str, body_at: int) -> bool:
    """'tips for nurses' addresses nurses, 'good news for nurses' pay' or 'time for doctors to strike' does not."""
    after = text[hit.end : hit.end + 4].lower()
    if after.startswith((" to ", "'", "’")):
        return False
    if hit.start == 0 or hit.start == body_at:
        return True
    begin = body_at if hit.start >= body_at else 0
    before = text[max(begin, hit.start - 60) : hit.start]
    return "good news" not in before.lower() and "bad news" not in before.lower() and _OFFER.search(before) is not None
