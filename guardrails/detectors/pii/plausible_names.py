"""Where and what a name of a person cannot be: words of code and of forms, things, and terms that are called after people."""

from __future__ import annotations

import re
from itertools import islice

from guardrails.detectors.pii.place import Place
from guardrails.language import log_odds, unsupported

__all__ = ["no_name"]

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
    "saludos cordiales saluti cordiali atentamente cordialmente cordialement salutations poważaniem pozdrawiam saygılarımla selamlar "
    "guten morgen vielen dank voraus grüßen grüße groet groeten hälsningar hilsen ystävällisin terveisin "
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


# An e-mail address in brackets stands behind a person.
_ADDRESSED = re.compile(r"\s{0,3}[<(]\s?[\w.+-]{1,64}(?:@|\s?(?:at|\[at\]|\(at\))\s)")
# Words that no name of a person holds.
_THINGS = frozenset(
    "inc ltd llc corp corporation gmbh ag plc pty incorporated limited foundation software university université universität institute "
    "college project projects license licence licenses public library libraries framework server servers kernel edition manual guide "
    "module modules package packages plugin plugins api sdk cli gui mixer controller driver drivers service services platform studio "
    "engine network networks networking protocol consortium association committee commission council ministry department agency "
    "community contributors developers maintainers regents organization organisation laboratory laboratories labs technologies "
    "technology systems solutions enterprises holdings interactive electronics semiconductor semiconductors communications international "
    "worldwide linux gnu unix windows macos android ios debian ubuntu fedora redhat suse gentoo freebsd openbsd netbsd github gitlab "
    "bitbucket google microsoft facebook oracle ibm intel nvidia mozilla apache netscape postgresql mysql sqlite mongodb redis nginx "
    "python javascript typescript java perl php ruby rust kotlin django flask numpy scipy pandas pytorch tensorflow keras pytest sphinx "
    "docker kubernetes jenkins travis unicode ascii latin utf error errors exception warning warnings default defaults parameter "
    "parameters attribute attributes argument arguments option options example examples returns raises notes usage installation "
    "documentation tutorial changelog changes features bugfix bugfixes security deprecated redistribution redistributions agreement "
    "contribution contributions contributor licensor licensee affirmer derivative warranty liability patent trademark copyright translation translations translator locale "
    "encoding decoder encoder parser compiler debugger browser editor terminal console keyboard switch speaker speakers headphone "
    "headset microphone playback volume channel channels codec firmware bluetooth wireless ethernet http https html css json xml yaml "
    "toml republic kingdom states federation ocean island islands county province airport stadium museum cathedral hotel hospital "
    "clinic parliament congress senate newspaper gazette magazine journal jack mic".split()
)
_TONGUES = frozenset(
    "arabic basque belarusian bengali brazilian british bulgarian catalan chinese croatian czech danish dutch english esperanto estonian "
    "european finnish french galician georgian german greek hebrew hindi hungarian icelandic indonesian irish italian japanese korean "
    "latvian lithuanian macedonian malay norwegian nynorsk bokmål persian polish portuguese punjabi romanian russian serbian simplified "
    "slovak slovenian spanish swedish tamil telugu thai traditional turkish ukrainian urdu uyghur vietnamese welsh american canadian "
    "australian african asian unicode".split()
)
_ORGANISED = re.compile(
    r",? (?:Inc|Ltd|LLC|L\.L\.C|Corp|Co|GmbH|AG|S\.A|B\.V|N\.V|Pty|PLC|plc|Limited|Corporation|Company|Foundation|Software|Technologies|"
    r"University|Institute|College|Project|Team|Group|Association|Laborator|Labs?\b|Systems|Solutions|Enterprises|Press)\b|\s?[®™]|"
    r"\s?\((?:R|TM|tm|r)\)|,? (?:Street|Avenue|Road|Boulevard|Square|Hotel|Airport|University|Hospital|County|River|Bridge)\b"
)
# "Firefox 3.6", "groff (1.22.4-6)".
_NUMBERED = re.compile(r"\s{1,2}\(?(?:v(?:ersion\s)?)?\d+(?:\.\d+)+|\s\(\d+[.:]")
# What is called after people: "Fourier transform", "Dijkstra's algorithm".
_TERM = re.compile(
    r"(?:['’]s?)?\s(?:algorithm|theorem|lemma|transform|transformation|distribution|polynomial|inequality|integral|kernel|matrix|matrices|"
    r"equation|decomposition|factori[sz]ation|estimator|regression|coefficient|correlation|cipher|basis|norm|filter|window|function|criterion|"
    r"sequence|series|constant|hash|distance|divergence|similarity|index|operator|process|prior|mixture|noise|space|smoothing|"
    r"approximation|interpolation|quadrature|method|rule of|law of|syntax|notation|calculus|semantics|bytecode|font)s?\b"
)
_PRODUCT = re.compile(
    r"(?i)\s(?:(?:api|sdk|server|framework|plug-?in|protocol|compiler|database|backend|frontend|runtime|client librar(?:y|ie)|daemon|toolkit|"
    r"toolchain|interpreter|widget)s?|repositor(?:y|ies))\b"
)
_RELATED = re.compile(
    r"(?i)\s(?:(?:package|module|object|extension|format|language|driver|release|integration|command|binding|wrapper|script|config|parser|repo|"
    r"branch|distribution|desktop|dialect|instance|licen[sc]e|user)s?|class|classes|librar(?:y|ies)|support|utilit(?:y|ies))\b"
)
_MADE_BY = re.compile(
    r"(?i)\b(?:generated|powered|compiled|supported|caused|required|used|provided|produced|hosted|rendered|handled|packaged|built|exposed|"
    r"implemented|shipped|sponsored|inspired|distributed|published|defined)\b[^.!?\n]{0,40}\b(?:by|with|using|in|on|from)\s+$"
)
_TAKEN = re.compile(r"(?i)(?:^|[\s(\"'])(?:using|via|install(?:ing)?|import(?:ing)?|upgrade to|requires?)\s+[\"'`]?$")
_ARTICLE = re.compile(r"(?i)(?:^|[\s(\"'])(?:the|an?|this|these)\s+[\"'`]?$")
# What people say before a name.
_SPOKEN = re.compile(
    r"(?i)\b(?:tell|told|ask(?:ed)?|call(?:ed)?|met|meet|named?|with|and|i'?m|this is|said|says|know|knew|see|saw|spoke to|talk(?:ed)? to|for|"
    r"(?:my|his|her|our|their) [\w-]{2,14})[\s:,]+$"
)
_KIN = re.compile(r"(?i)\b(?:my|his|her|our|their) [\w-]{2,14}\s$")
# Marks of manuals, source code, lists of changes.
_TECHNICAL = re.compile(
    r"\w\(\)|\w::\w|``?\w|->|[=!]=|https?://|\w\.(?:py|js|ts|c|h|cpp|rs|go|so|io|md|txt|conf|json|xml|ya?ml|toml|po|in|patch|deb)\b|"
    r"(?m:^\s{0,8}[*#-] )|\d+\.\d+\.\d+|\w_\w|\s--?\w|#\d{3,}|(?m:^\s{0,16}(?:def|class|import|from|return|var|const|let|if|for)\b.*[:;({]$)"
)
_ENOUGH = 5
_AROUND = 1000  # characters on either side


def technical(text: str, place: int) -> bool:
    """True for a manual, source code or a list of changes around a place."""
    marks = _TECHNICAL.finditer(text, max(0, place - _AROUND), place + _AROUND)
    return sum(1 for _ in islice(marks, _ENOUGH)) == _ENOUGH


_UNDERLINED = re.compile(r"^\s*(?:#+\s|=+\s)|\n\s{0,3}([=\-~^\"'#*+])\1{2,}\s*(?:\n|$)")
# The same word as something that a computer runs.
_PROGRAM = (
    r"(?<![\w@.])(?:import |install |``?|\$ |--|::)WORD\b(?![\w.]*@)|(?<![\w@.])WORD(?:\(\w*[),]|::|``?|==|>=|\.(?:py|js|ts|c|h|rs|go|so|org|io|"
    r"com|md|txt|conf|json|xml)\b(?!@))"
)
_LABELLED = re.compile(
    r"(?i)(?:name\w*|author|patient|owner|from|to|\bmrs?|\bms|\bdr|dear|signed)[\"'*]*[:=.]?\s{1,2}[\"'*]*$"
)


def no_name(value: str, place: Place) -> bool:
    """True when the value, where it stands, can be nobody's name."""
    words = _PARTS.findall(value)
    if not words or any(c.isdigit() or c in "_=<>{}[]()\\/|*#$`~^+" for c in value):
        return True
    before, after = place.text[max(0, place.start - 2) : place.start], place.after
    if re.search(r"[\w./\\$`_-]\Z", before) and not re.search(r"(?:^|\s|[a-z]{2})[.-]\Z", before):
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
    if _foreign(words, low, place):
        return True
    if all(w in _DAYS or w in _CALLED for w in low) and place.near(re.compile(r"\d"), 6, 6):
        return True
    if len(words) == 1:
        word = words[0]
        if _CAMEL.match(word):
            return True
        shown = _LABELLED.search(place.before) or _KIN.search(place.before) or _capitals(place.line)
        if word.isupper() and len(word) > 1 and not shown:
            return True
    if place.code and not any(w[0].isupper() for w in words):
        return True
    if _ADDRESSED.match(after) or _LABELLED.search(place.before):
        return False
    if _thing(words, low, place):
        return True
    return place.code and len(words) == 1 and not place.near(_BY, 40, 30)


# What stands inside names of other languages.
_PARTICLES = frozenset(
    "de da di do du del della der den des dos das la le el al van von vom zu zum zur ter bin ibn y e af av".split()
)
# Log-odds of English below which a word is a common one of another language (letters alone never say so much), and the mean
# below which words are of one.
_COMMON, _OF_ANOTHER = -2.5, -1.3
_HOLDER = re.compile(r"(?i)\b(?:user|customer|client|account|holder|contact|guest)\w{0,6}[:=]\s{1,2}$")


def _foreign(words: list[str], low: list[str], place: Place) -> bool:
    """True for words of another language, where the tagger was not measured: not written as names are, or common ones, or the
    first of a sentence, which begins with a capital letter whatever it is. A name behind its label or on its own line is one."""
    odds = [log_odds(w) for w in low]
    small = any(w[0].islower() and w not in _PARTICLES for w in words) and (
        min(odds) < _COMMON or sum(odds) < _OF_ANOTHER * len(odds)
    )
    first = len(words) == 1 and not place.before.rpartition(". ")[2].strip(" \t¡¿\"'-*#")
    alone = not place.before.strip() and not place.after.partition("\n")[0].strip()
    common = max(odds) < _COMMON and not alone
    if not (small or first or common) or _LABELLED.search(place.before) or _HOLDER.search(place.before):
        return False
    at = len(place.before)
    return any(start <= at < end for start, end, _ in unsupported(place.line))


def _thing(words: list[str], low: list[str], place: Place) -> bool:
    """True for organisations, products, places and terms, which the words next to the value tell."""
    after, before = place.after, place.before
    if any(w in _THINGS for w in low) or all(w in _TONGUES for w in low):
        return True
    if _ORGANISED.match(after) or _NUMBERED.match(after) or _TERM.match(after):
        return True
    if len(words) > 1:
        return False
    if _MADE_BY.search(before) or _TAKEN.search(before) or _PRODUCT.match(after):
        return True
    if (
        not before.endswith("[ ")
        and technical(place.text, place.start)
        and (
            _ARTICLE.search(before) or _RELATED.match(after) or not (place.near(_BY, 40, 30) or _SPOKEN.search(before))
        )
    ):
        return True
    if (
        not before.strip(" \t#=")
        and not after.partition("\n")[0].strip(" \t#=:")
        and _UNDERLINED.search(place.line + after)
    ):
        return True
    word = re.escape(words[0])
    return (
        re.search(_PROGRAM.replace("WORD", word), place.text[max(0, place.start - 2000) : place.end + 2000], re.I)
        is not None
    )


def _capitals(line: str) -> bool:
    """True for a line that is written in capitals."""
    return sum(c.isupper() for c in line) * 2 > sum(c.isalpha() for c in line)
