"""What the trained tagger cannot have meant: a guard on names, ages, user names and passwords.

The tagger was trained on records, letters and messages. In source code, logs and arrays of numbers it sees names in keywords
and ages in indices. What people call themselves has a form, though, and so has the place where they say it: a value without
the one, or in a place that is code, is dropped. Every rule here names a kind; none of them asks for single texts.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardrails.inference.tagging import Tagged

__all__ = ["code", "implausible"]

# A character reference of HTML; a name is one only if HTML has it.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|([A-Za-z]\w{1,31}));")
# Marks that prose does not have, and lines that begin as code does.
_MARKS = re.compile(r"[{}\[\]()<>=;_\\|*`$&^~%#]|->|::|\.\w|\w/\w|--|\+\+")
_STATEMENT = re.compile(
    r"\s*(?:(?:def|class|import|from|return|elif|else|try|except|finally|with|while|for|if|raise|yield|lambda|async|await|assert|del|"
    r"global|pass|function|const|let|var|export|public|private|protected|static|void|int|char|struct|enum|typedef|unsigned|long|"
    r"switch|case|break|continue|namespace|using|template|extern|inline|package|interface|new|throw|catch|do|fi|esac|then|echo)\b"
    r"(?=.*[(){}\[\]:;=.<>_*]\s*$|.*\bself\b|\s+\w+$)|#\s*(?:include|define|if|ifdef|ifndef|endif|pragma|undef)\b|@\w[\w.]*\s*(?:\(|$)|"
    r">>>|\.\.\.\s|\$ |//|/\*|\*\s|<\w|</|--\w|:\w+:|\.\. \w)"
)
_HL7 = re.compile(r"\s*[A-Z][A-Z0-9]{2}\|")


def code(line: str) -> bool:
    """True for a line that is source code, mark-up or numbers and not a sentence or a record."""
    text = line.strip()
    if not text:
        return False
    if _STATEMENT.match(line):
        return True
    letters = sum(c.isalpha() for c in text)
    marks = len(_MARKS.findall(text))
    return (marks >= 3 and marks * 9 > len(text)) or (letters * 3 < len(text) and len(text) > 12)


def _line(text: str, start: int, end: int) -> tuple[str, int]:
    """The line around a range, and where it begins; of a very long one, the part near the range."""
    first = text.rfind("\n", max(0, start - 300), start) + 1 or max(0, start - 300)
    last = text.find("\n", end, end + 300)
    return text[first : last if last >= 0 else end + 300], first


def implausible(text: str, tagged: Tagged) -> bool:
    """True when the value, where it stands, can be no value of its type."""
    value = text[tagged.start : tagged.end]
    if tagged.type == "ADDRESS":  # a postcode alone is nobody's
        return not any(c.isalpha() for c in value)
    line, first = _line(text, tagged.start, tagged.end)
    if tagged.type in ("AGE", "USERNAME", "PASSWORD") and _HL7.match(line):
        return True
    place = _Place(text, tagged, line[: tagged.start - first], line)
    ask = {"NAME": _no_name, "AGE": _no_age, "USERNAME": _no_username, "PASSWORD": _no_password}[tagged.type]
    return ask(value, place)


class _Place:
    """Where a value stands: the texts next to it, its line, and whether that is code."""

    __slots__ = ("after", "before", "code", "end", "line", "start", "text")

    def __init__(self, text: str, tagged: Tagged, before: str, line: str) -> None:
        self.text, self.start, self.end, self.line, self.before = text, tagged.start, tagged.end, line, before
        self.after = text[self.end : self.end + 60]
        self.code = code(line)

    def near(self, pattern: re.Pattern[str], before: int, after: int = 0) -> bool:
        """True when the pattern occurs in so many characters before or after the value, or in it."""
        return pattern.search(self.text, max(0, self.start - before), min(len(self.text), self.end + after)) is not None


# ---------------------------------------------------------------------------------------------------------- ages

_AGE_UNIT = re.compile(
    r"(?i)year|(?<![a-z])(?:yrs?|y[./]?o|mos?|wks?)\b|month|week|\bold\b|\bag(?:e|ed|es|ing)\b|birthday|\bturn(?:s|ed|ing)?\b|"
    r"\bborn\b|teen|toddler|infant|newborn|\bd\.?o\.?b\b|decade|\bboy\b|\bgirl\b|\bman\b|\bwoman\b|\bmale\b|\bfemale\b|"
    r"\baños?\b|\bedad\b|\bans\b|\bâge\b|\bâgée?s?\b|\bjahre?n?\b|\bjährige?\w?\b|\balter\b|\banni\b|\betà\b|\bjaar\b|\bleeftijd\b|"
    r"\banos\b|\bidade\b|\blat\b|\bwiek\b|\byaş|\bår\b|\bvuotta\b|лет\b|возраст|سنة|عمر|साल|वर्ष|岁|歳|세\b"
)
_AGE_FORM = re.compile(r"(?i)\d{1,3}\s?[-/, ]?\s?(?:[mf]\b|yo\b|y/o)|[MF]\s?/?\s?\d{1,3}\b|\d0s\b|[a-z]+-?ty|teen")
_SMALL = re.compile(
    r"(?i)one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    r"hundred|half"
)


# An age that many people share: "screening usually starts at age 50".
_ANYBODY = re.compile(
    r"(?i)\b(?:usually|normally|typically|generally|starts?|begins?|recommended|everyone|anyone|people|adults|patients)\b[^.!?\n]{0,24}\b(?:age|aged)\s*$"
)


def _no_age(value: str, place: _Place) -> bool:
    digits = re.findall(r"\d+", value)
    if not digits and not _SMALL.search(value):
        return not _AGE_UNIT.search(value)
    if any(int(d[:6]) > 130 for d in digits) or _ANYBODY.search(place.before):
        return True
    if _AGE_UNIT.search(value) or (_AGE_FORM.search(value) and not place.code):
        return False
    if place.near(_AGE_UNIT, 40, 20):
        return place.code and not re.search(r"(?i)\bage\w*\W{1,6}$", place.before)
    # "John Smith, 34, of Leeds"; "Maria (34)".
    if re.search(
        r"(?i)\b(?:i am|i'm|i’m|im|(?:s?he|they)(?:'s| is| was|'d be)|was|am|who is|i was|now|only|just)\s{1,2}$",
        place.before,
    ):
        return place.code
    named = re.search(r"[A-ZÀ-Þ][\wÀ-ɏ'’-]+,? ?\(?$", place.before)
    return place.code or not (named and re.match(r"[,).;]|\s|$", place.after))


# ----------------------------------------------------------------------------------------- user names, passwords

_USER_CUE = re.compile(
    r"(?i)user|\blog(?:in|ged|on|s? in)\b|log-?in|sign(?:ed|s|ing)?[ -]?(?:in|up|on)|handle|account|\bnick|screen ?name|gamer|alias|\bacct|\bid\b|\buid\b|"
    r"profile|twitter|insta|github|discord|reddit|tiktok|snapchat|telegram|skype|slack|steam|follow|@|\bdm\b|"
    r"\bauth|credential|password|benutzer|usuario|utilisateur|identifiant|utente|gebruiker|użytkownik|kullanıcı|usuário|логин|用户|ユーザ"
)
_TAGS = frozenset(
    "param params return returns throws throw see since deprecated author version link code inheritdoc override property type typedef "
    "example default public private protected static class classmethod staticmethod abstractmethod contextmanager wraps cache "
    "lru_cache dataclass overload final media import charset keyframes font-face supports include extend mixin use apply layer "
    "symbolic test before after beforeeach aftereach autowired nullable notnull component injectable input output internal brief file "
    "note todo module namespace ignore license preserve copyright ts-ignore ts-expect-error flow jsx enum const readonly".split()
)


def _no_username(value: str, place: _Place) -> bool:
    bare = value.lstrip("@")
    after = place.after
    if (
        not bare
        or (after[:1] == "/" and "://" in place.before.rpartition(" ")[2])  # a part of an address on the web
        or after[:1] in ("(", "=", "[")
        or "(" in value
        or "=" in value
        or _referenced(place.text, place.start, place.end)
        or (after[:1] == "." and after[1:2].isalpha() and not value.startswith("@"))
    ):
        return True
    if value.startswith("@") or place.before.endswith("@"):
        alone = not place.before.strip(" \t*/#@") and (place.code or bare.lower().split(".")[0] in _TAGS)
        scoped = after[:1] == "/" or re.search(r"[\w.)\]'\"`]@?$", place.before) is not None
        return alone or scoped or bare.lower() in _TAGS or (place.code and "@" not in place.before + value)
    if len(bare) < 3 or bare.isdigit():
        return True
    if place.code:
        return not re.search(
            r"(?i)(?:user|login|nick|account|author|handle)\w*[\"']?\s{0,2}[:=]\s{0,3}[\"'<]?$", place.before
        )
    return not place.near(_USER_CUE, 80, 40)


_PASS_CUE = re.compile(
    r"(?i)pass|pwd?\b|\bpw\b|phrase|secret|credential|log(?:in|on)|log in|sign in|\bkey\b|token|\bpins?\b|\bcode\b|unlock|wi-?fi|\bauth|"
    r"kennwort|contrase|clave|mot de passe|mdp|parola|senha|wachtwoord|hasło|şifre|lösenord|adgangskode|salasana|heslo|jelszó|"
    r"парол|密码|密碼|パスワード|비밀번호|كلمة|पासवर्ड|account|access|user|temporary|reset|changed? (?:it )?to"
)
_ASSIGNED = re.compile(
    r"(?i)(?:pass\w*|pwd?|pw|secret\w*|credential\w*|token|key|kennwort|senha|clave)[\"'`*]*\s{0,2}(?:[:=]|=>|\bis\b)\s{0,3}[\"'`*<]*$"
)


# The verb before a password of another language: "è Estate2024". The patterns find what stands behind it.
_VERB = re.compile(r"[^\W\d_A-Z]{1,5}\s+\S*\d\S*")
# What a test runner prints.
_RESULT = re.compile(r"\s*(?:PASS(?:ED)?|FAIL(?:ED)?|OK|XPASS|SKIP(?:PED)?)\b[: ]")


def _no_password(value: str, place: _Place) -> bool:
    after = place.after
    if (
        len(value) < 4
        or after[:1] in ("(", "=")
        or "(" in value
        or _referenced(place.text, place.start, place.end)
        or _escaped(place.text, place.start, place.end)
        or (after[:1] == "." and after[1:2].isalpha())
        or value.endswith("@")  # "bob@" of "bob@host"
        or (after[:1] == ":" and not place.before.strip())  # the key of a line of YAML
        or _RESULT.match(place.before)
        or _VERB.fullmatch(value)
    ):
        return True
    if place.code:
        return not _ASSIGNED.search(place.before)
    return not place.near(_PASS_CUE, 100, 30)


# One character in the notation of source code: "u4e00" in "[\\u4e00-\\u9fff]".
_ESCAPE = re.compile(r"(?:\\?(?:[ux][0-9A-Fa-f]{2,8}|u\{[0-9A-Fa-f]{1,6}\})[\-\]]?)+")


def _escaped(text: str, start: int, end: int) -> bool:
    """True for nothing but escape sequences, the first backslash of which may stand before the range."""
    return _ESCAPE.fullmatch(text, start - (start > 0 and text[start - 1] == "\\"), end) is not None


def _referenced(text: str, start: int, end: int) -> bool:
    """True when the range and the semicolon behind it end a character reference."""
    found = _REFERENCE.match(text, max(0, text.rfind("&", 0, start + 1)))
    return found is not None and found.end() == end + 1 and (found[1] is None or f"{found[1]};" in html5)


# --------------------------------------------------------------------------------------------------------- names

# Days and months; those that people are called too count as dates only beside a number.
_DAYS = frozenset(
    "mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday sunday january february march "
    "july september october november december feb mar apr jul aug sep sept oct nov dec montag dienstag mittwoch donnerstag freitag "
    "samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes sábado domingo "
    "januar februar märz mai juni juli oktober dezember janvier février mars avril juin juillet août septembre octobre novembre "
    "décembre enero febrero marzo abril mayo junio julio septiembre octubre noviembre diciembre gennaio febbraio aprile maggio "
    "giugno luglio settembre ottobre dicembre today tomorrow yesterday tonight".split()
)
_CALLED = frozenset("jan may jun june april august".split())
# Words of several languages that the tagger takes for names where it does not know the language; and of forms and records.
_WORDS = frozenset(
    "mein meine meinen meiner dein deine sein seine ihr ihre unser unsere ich du er sie wir ist und oder der die das den dem ein "
    "eine bitte danke hallo guten herr frau mon ma mes ton ta tes son sa ses notre votre nos vos leur je tu il elle nous vous est et "
    "ou le la les un une des du de merci bonjour monsieur madame mi mis tu su sus nuestro nuestra yo él ella es y o el los las una "
    "gracias hola señor señora mio mia tuo tua suo sua nostro io lui lei è e il lo gli uno grazie ciao buongiorno signor meu minha seu "
    "sua nosso eu ele ela obrigado obrigada olá senhor senhora mijn jouw zijn haar ons onze ik jij hij zij het een dank hallo mevrouw "
    "meneer mój moja moje twój twoja jego jej nasz ja ty on ona jest dziękuję cześć pan pani benim senin onun bizim ben sen o biz ve "
    "teşekkürler merhaba bay bayan min mitt mina din ditt hans hennes vår vårt jag hon är och tack hej mit dit vores jeg hun er og tak "
    "minun sinun hänen meidän minä sinä hän on ja kiitos hei můj moje tvůj jeho její jsem az én te ő köszönöm "
    "telefon telefono teléfono téléphone telefone telefoon puhelin puhelimeni móvil movil celular cellulare handy mobil mobile tel tlf "
    "cel cell phone fax email mail correo adresse adres address dirección direccion indirizzo endereço osoite nummer numero número "
    "numéro numer numara numarası kimlik tc nif nie dni cpf cnpj rg cuit curp rfc nss ssn nino pesel bsn oib kennitala henkilötunnus "
    "hetu personnummer steuer steuernummer konto kontonummer iban bic swift cuenta conta compte rekening ausweis pass passport pasaporte "
    "passaporto paspoort passeport carte tarjeta karte kaart kart karta cartão código codigo clave contraseña passwort kennwort "
    "nombre nom nome naam name navn nimi isim adı soyadı apellido apellidos cognome vorname nachname prénom geboren nacido né née "
    "date datum fecha data tarih fødselsdato geburtsdatum patient patiente paciente paziente hasta kunde client cliente klant klient "
    "müşteri auftrag pedido commande ordine bestelling zamówienie sipariş "
    "sob cp n/v bp hr rr hpi pmh dx rx hx tx sx cc er icu or ekg ecg ct mri dob mrn npi nkda prn bid tid qid po iv im copd chf htn dm "
    "uti gerd cad afib acetaminophen".split()
)
_KEYWORDS = frozenset(
    "none true false null nil self cls elif else def return yield lambda kwargs args argv async await import class struct enum typedef "
    "const static void char float double bool boolean int str dict list tuple set array object string number function var let phi psi "
    "theta alpha beta gamma delta lambda sigma omega eta iota kappa tau rho zeta mu nu xi chi pi numpy pandas scipy torch tensorflow "
    "django flask fastapi pytest python java javascript typescript rust golang perl ruby bash zsh linux unix windows macos debian "
    "ubuntu fedora docker kubernetes git github gitlab bitbucket json yaml toml html css xml http https url uri api sdk cli gui "
    "apache mit bsd gpl lgpl agpl mozilla gnu todo fixme xxx hack note warning error info debug license licence readme changelog "
    "unreleased copyright authors maintainers contributors markdown restructuredtext sphinx".split()
)
_PARTS = re.compile(r"[^\W\d_]+(?:['’\-.][^\W\d_]+)*")
_CAMEL = re.compile(
    r"^(?!(?:Mc|Mac|De|Di|Da|Du|La|Le|Van|Von|O|D|St|Fitz|El|Al|Ben|Bin|Mac)[A-ZÀ-Þ][a-zß-ÿ])\w*[a-zß-ÿ][A-ZÀ-Þ]"
)
# What stands before people in code and its papers.
_BY = re.compile(
    r"(?i)author|copyright|\(c\)|©|\bby\b|thank|credit|report|contribut|maint|patch|suggest|written|fix(?:ed|es)?|signed|acked|review|"
    r"cc:|owner|from:|to:|name\w*[\"']?\s?[:=]|\bmr|\bms|\bdr|\bprof|dear|hi\b|hello|regards|sincerely|cheers|<[\w.+-]+@|@"
)


_LABELLED = re.compile(
    r"(?i)(?:name\w*|author|patient|owner|from|to|\bmrs?|\bms|\bdr|dear|signed)[\"'*]*[:=.]?\s{1,2}[\"'*]*$"
)


def _no_name(value: str, place: _Place) -> bool:
    words = _PARTS.findall(value)
    if not words or any(c.isdigit() or c in "_=<>{}[]()\\/|*#$`~^+" for c in value):
        return True
    before, after = place.text[max(0, place.start - 2) : place.start], place.after
    if re.search(r"[\w./\\$`_-]$", before) and not re.search(r"(?:^|\s|[a-z]{2})[.-]$", before):
        return True
    if (
        after[:1] in ("(", "[", "_", "`", "\\", "=", "/")
        or after[:2] in ("::", "->")
        or re.match(r"\.[a-z_]|:\w", after)
    ):
        return True
    low = [w.lower().strip(".") for w in words]
    if all(w in _DAYS or w in _WORDS or w in _KEYWORDS for w in low):
        return True
    if all(w in _DAYS or w in _CALLED for w in low) and place.near(re.compile(r"\d"), 6, 6):
        return True
    if len(words) == 1:
        word = words[0]
        if _CAMEL.match(word):
            return True
        if word.isupper() and len(word) > 1 and not _LABELLED.search(place.before) and not _capitals(place.line):
            return True
    if place.code:
        if not any(w[0].isupper() for w in words):
            return True
        return len(words) == 1 and not place.near(_BY, 40, 30)
    return False


def _capitals(line: str) -> bool:
    """True for a line that is written in capitals."""
    return sum(c.isupper() for c in line) * 2 > sum(c.isalpha() for c in line)
