"""Cases of the PII detector: passwords in addresses, commands, queries and sentences; keys and tokens by their names.

All of them are made up.
"""

from guardrails.detectors.pii import Settings
from tests.detectors.case import Case

_PASS, _API = Settings("PASSWORD"), Settings("API_KEY")
_HEX = "8d5e957f297893487bd98fa830fa6413a1b2c3d4"
_MIXED = "7fK2mQ9xT4vL8pR3sW6yB1nD"
_SHORT = "Zq8vT2mNb4Wc"
_DJANGO = "x&8k(#*2m^zq_7v$p=+w5r@t9y)j3h1n%c4b6d0fzz8)"

# Each is what stands before a value and what stands behind it.
_ADDRESSES = (
    ("postgresql://app:", "Zq8vT2mN", "@db.prod.example.com:5432/app"),
    ("https://user:", "tok3nvalue", "@github.com/acme/repo.git"),
    ("redis://default:", "fo0:b4r", "@host"),
    ("redis://:", "p4ssw0rd!", "@cache.internal:6379/0"),
    ("sqlserver://sa:", "yourStrong%28%21%29Secret", "@127.0.0.1"),
    ("amqps://svc:", "hunter2", "@mq.example.com/vhost"),
    ("mongodb+srv://admin:", "Zx9%21kk", "@cluster0.ab12c.example.net/?retryWrites=true"),
    ("mysql://root:", "oRAND44@tz", "@localhost/db"),
    ("postgres://app:", "pa/ss1", "@db.example.com/app"),
    ("postgres://app:", "p@ss/w0rd", "@db.example.com:5432/app"),
    ("DATABASE_URL=postgresql+psycopg2://svc_user:", "kR7#mPq2", "@10.0.0.5/app?sslmode=require"),
    ("git+https://ci:", "Tk9sPl3x", "@github.com/a/b.git@v1.0#egg=b"),
    ("npm i from https://ci:", "Tk9sPl3x", "@npm.example.com/@scope/pkg"),
    ("jdbc:oracle:thin:scott/", "t1ger", "@//db.example.com:1521/orcl"),
    ("app:", "Zq8vT2mN", "@tcp(127.0.0.1:3306)/shop?parseTime=true"),
    ("jdbc:mysql://db.example.com/app?user=app&password=", "Zq8vT2mN", "&x=1"),
)
_CONFIGURED = (
    ('        - name: DB_PASSWORD\n          value: "', "Zq8!vT2mN", '"'),
    ("machine api.example.com\n  login bob\n  password ", "tigerlily", ""),
    ('variable "db_password" {\n  type = string\n  default = "', "Zq8vT2mN", '"\n}'),
    ("Uid=sa;Pwd=", "{Passw0rd;12!}", ";"),
    ('{"key":"password","value":"', "9@tm!(B/2H_x;y", '"}'),
    ("<password>", "Zq8vT2mN", "</password>"),
    ("DB_PASS=", "Zq8vT2mN", ""),
    ("auth: { user: 'bob', pass: '", "Zq8vT2mN", "' }"),
    ("define('DB_PASSWORD', '", "Zq8vT2mN", "');"),
    ("| DB_PASSWORD | ", "Zq8vT2mN", " |"),
    ("**Password:** `", "Zq8vT2mN", "`"),
    ("db.internal:5432:app:svc:", "Zq8vT2mN", ""),
    ("CREATE LOGIN x WITH PASSWORD = N'", "Str0ng!1", "';"),
    ("pw: ", "Fr33dom!", ""),
    ("p/w: ", "Gr33n!tea", ""),
    ("user: root, pass: ", "t0or!!9", ""),
    ("WPA2 key: ", "h0mew1fi99", ""),
    ("user/pass: admin/", "adm!n77x", ""),
    ("users:\n  password: ", "Zq8vT2mN", ""),
    ("requirepass ", "r3d1sP@ss", ""),
)
_COMMANDS = (
    ("docker login -u bob -p ", "hunter2x", " registry.example.com"),
    ("mysql -uroot -p", "hunter2", " shop"),
    ("curl -u bob:", "hunter2x", " https://x.example"),
    ("tool --password ", "hunter2x", " --user bob"),
    ("sshpass -p '", "Qw3rty!", "' ssh bob@host"),
    ("redis-cli -h r -a ", "Zq8vT2mN", " ping"),
    ("CREATE USER 'bob'@'%' IDENTIFIED BY '", "s3cr3tQ!", "';"),
    ("CREATE LOGIN bob WITH PASSWORD = '", "P@55w.rd", "'"),
    ("echo '", "Sud0me!9", "' | sudo -S apt update"),
    ("openssl enc -aes-256-cbc -k ", "enc9key!", " -in a"),
    ("curl -u 'bob:", "p@ss w0rd", "' https://x"),
    ("IDENTIFIED WITH mysql_native_password BY '", "Zq8vT2mN", "'"),
)
_SENTENCES = (
    ('password for the wifi is "', "correct horse battery staple", '"'),
    ("Mein Passwort lautet ", "Sommer2024!", ""),
    ("la contraseña es ", "Verano2024", "."),
    ("the admin password was changed to ", "Blue42fish", ""),
    ("La password dell'account è ", "Sole2024x", ""),
    ("пароль: «", "Sinij 2024 god", "»"),
    ("Contraseña del wifi: ", "casa2024x", ""),
    ("senha do wifi: ", "casa123x", ""),
    ("la password del router: ", "Gatto!22", ""),
    ("le mot de passe wifi est ", "Ch4ton-bleu", ""),
    ("login with admin/", "Adm1n!234", ""),
    ("sign in with demo@x.example / ", "Dem0pass!", ""),
    ("credentials are admin / ", "S3cure!pw", ""),
    ("Zugangsdaten: admin / ", "Sch4tz!77", ""),
    ("wifi pw is ", "c0ffee123", ""),
    ("la clave es ", "Gato2024", ""),
    ("su clave de acceso es ", "Gato#2024", "."),
    ("login: admin / ", "Pa55w0rd99", ""),
    ("Credentials: bob@example.com / ", "Zx81kk!q", "\n"),
    ("user = root / ", "t00rPass", ""),
    ("mon mot de passe est ", "Soleil99", ""),
    ("a senha é ", "Verao2024", ""),
    ("la password è ", "Estate2024", ""),
    ("het wachtwoord is ", "Zomer2024", ""),
    ("hasło to ", "Lato2024", ""),
    ("şifrem ", "Yaz2024!", ""),
    ("мой пароль ", "Qwer1234", ""),
    ("пароль от почты — ", "Qwer1234", ""),
    ("密码是", "Qwer1234", ""),
    ("パスワードは", "abc12345", "です"),
    ("비밀번호는 ", "Qwer1234", " 입니다"),
    ("पासवर्ड है ", "Qwer1234", ""),
    ("পাসওয়ার্ড: ", "Qwer1234", ""),
    ("كلمة المرور هي ", "Qwer1234", ""),
    ("kata sandi saya adalah ", "Merdeka45", ""),
    ("mật khẩu là ", "Hanoi2024", ""),
)
_NAMED = (
    ("ANODOT_TOKEN: ", _HEX[:32], ""),
    ("algolia admin key: ", _HEX[:32], ""),
    ("secrets:\n  slack_token: ", _MIXED, ""),
    ("https://x-access-token:", _MIXED, "@github.com/o/r"),
    ("GITHUB_TOKEN=", _HEX, ""),
    ("- name: SENDGRID_API_KEY\n  value: ", _MIXED, ""),
    ("Cookie: theme=dark; sessionid=", _HEX, "; lang=en"),
    ("Set-Cookie: sid=", _MIXED, "; Path=/; HttpOnly"),
    ('{"key":"Authorization","value":"Basic ', "Ym9iOnNlY3JldHBhc3M=", '"}'),
    ("GET /b?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=", _HEX, "&x=1"),
    ("https://api.example.com/v1?api_key=", _SHORT, ""),
    ("https://x.example/c?sv=2022-11-02&sig=", "k%2Fq8vT2mNb4WcZx9kkPq7RtYw3sLm1nB%3D", ""),
    ("authorization: token ", _HEX, ""),
    ("curl -H 'X-Api-Key: ", _SHORT, "' https://x"),
    ("docker run -e STRIPE_SECRET=", _MIXED, " img"),
    ("//registry.example.com/:_authToken=", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", ""),
    ('SECRET_KEY = "', _DJANGO, '"'),
    ("os.environ['API_TOKEN'] = '", _MIXED, "'"),
    ("headers.set('X-Api-Key', '", _MIXED, "')"),
    ('<add key="ApiKey" value="', _MIXED, '" />'),
    ('<string name="maps_api_key">', _MIXED, "</string>"),
    ("ENV API_TOKEN ", _MIXED, ""),
    ('const apiKey: string = "', _MIXED, '";'),
    ("my token is ", _MIXED, "."),
    ("cli --api-key=", _SHORT, " run"),
)
# Prefixes of providers, and what follows them.
_PREFIXED = (
    ("shippo" + "_live_", _HEX),
    ("AK" + "Cp", (_MIXED * 3)[:69]),
    ("fio" + "-u-", (_MIXED * 3)[:64]),
    ("access" + "-sandbox-", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
    ("GR" + "1348941", _MIXED[:20]),
    ("duffel" + "_test_", (_MIXED * 2)[:43]),
    ("tf" + "p_", (_MIXED * 3)[:59]),
    ("a" + "io_", (_MIXED * 2)[:28]),
    ("tv" + "ly-", (_MIXED * 2)[:32]),
    ("rk" + "_prod_", _MIXED),
)
_HARMLESS_PASSWORDS = (
    "la clave es la paciencia", "la clave primaria es id_2", "login: yes / no", "user: read / write", "Users: 10 / 20",
    "I forgot my password", "password reset link", "Passwort vergessen?", "mot de passe oublié", "¿Olvidaste tu contraseña?",
    "postgresql://user:${DB_PASS}@host/db", "postgresql://user:<password>@host/db", "mysql://user:****@host/db",
    "postgresql://user:password@host/db", "redis://:{{ password }}@host", "https://example.com:8080/@scope/pkg",
    "http://localhost:3000/users/@me", "git@github.com:acme/repo.git", "mailto:bob1@example.com",
    "password: ${DB_PASSWORD}", "password: {{ .Values.password }}", "password: str", "password_field = forms.CharField()",
    "def login(username: str, password: str) -> Token:", "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:",
    "docker login -u bob --password-stdin", "mysql -u root -p", "mkdir -p /tmp/x1y2", "docker run -p 8080:80 img",
    "IDENTIFIED BY '<password>'", "curl -u $USER:$PASS https://x", "the error was identified by prefix",
    "if password == expected:", "pwd: /srv/app/releases", "password: /run/secrets/db_password", "password: !vault |", "password: !Ref DBPassword",
    "PASS: test_login_v2", "pass: 12, fail: 1", "boarding pass: gate B12", "pw is 1200", "pw = widget.width", "log in with Google / Facebook",
    "sign in with email/password", "wifi key: fob", "Contraseña del wifi: pregunte en recepción", "Password: see 1Password vault",
    "echo done | sudo tee x", "openssl enc -aes-256-cbc -in a.txt",
    "password must be at least 8 characters", '"password": "Enter your password"', "密码错误", "пароль: обязательно",
    "비밀번호를 입력하세요", "PASS: test_foo1", "PASSWORD_MIN_LENGTH = 12", "a password SHA-256 hash",
)  # fmt: skip
_HARMLESS_KEYS = (
    "TOKEN: none", "max_tokens=4096", "token: string", "tokens: 128", 'api_key=os.environ["X"]', "secretName: my-secret",
    "getToken()", "eos_token = '<|endoftext|>'", "token_type: bearer", "Cookie: theme=dark; lang=en",
    "Authorization: Bearer <token>", "access_token_url = 'https://login.example.com/oauth/token2'", "key: value",
    "cache_key = 'user:123:profile'", "private_key: Ed25519PrivateKey | None", "token = request.headers['X-Token1']",
    "SECRET_ARN=arn:aws:secretsmanager:us-east-1:123456789012:secret:x", "nextPageToken: CAEQAA",
)  # fmt: skip

CASES = [
    *(
        Case(f"{before}…", _PASS, f"{before}[PASSWORD:{value}]{after}")
        for before, value, after in (*_ADDRESSES, *_CONFIGURED, *_COMMANDS, *_SENTENCES)
    ),
    *(Case(f"{before}…", _API, f"{before}[API_KEY:{value}]{after}") for before, value, after in _NAMED),
    *(Case(f"{prefix}…", _API, f"FOO=[API_KEY:{prefix}{rest}]") for prefix, rest in _PREFIXED),
    *(Case(text, _PASS, text, kind="near-miss") for text in _HARMLESS_PASSWORDS),
    *(Case(text, _API, text, kind="near-miss") for text in _HARMLESS_KEYS),
]
