"""YAML in all its ways, to hold against Docker: what is a document, a key, a text, a number."""

# fmt: off
YAML_TEXTS: tuple[bytes, ...] = (
    b"services:\n  a:\n    image: x/y:1\n    hostname:\ta\n",
    b"services: {a: {image: x/y:1}}\n---\nfoo: bar\n",
    b"services: {a: {image: x/y:1}}\n---\n",
    b"---\nservices: {a: {image: x/y:1}}\n...\n",
    b"%YAML 1.2\n---\nservices: {a: {image: x/y:1}}\n",
    b"%YAML 1.1\n---\nservices: {a: {image: x/y:1}}\n",
    b"%YAML 2.0\n---\nservices: {a: {image: x/y:1}}\n",
    b"%TAG ! tag:x,2000:\n---\nservices: {a: {image: x/y:1}}\n",
    "services: {a: {image: x/y:1}}\n".encode("utf-16"),
    b"\xef\xbb\xbfservices: {a: {image: x/y:1}}\n",
    "services: {a: {image: x/y:1}}\n".encode("utf-16-be"),
    "\ufeffservices: {a: {image: x/y:1}}\n".encode("utf-16-be"),
    b"services:\n  a:\n    image: x/y:1\n    hostname: a\x07\n",
    b"services:\n  a:\n    image: x/y:1\n    hostname: \xe9\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      A: 'a\tb'\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n\tA: b\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      A: |\n        x\n\ty\n",
    b"x: &a {k: v}\nservices: {a: {image: x/y:1}}\n",
    b"x-a: &a {image: z/y:2}\nservices: {a: {<<: *a}}\n",
    b"x-a: &a {image: z/y:2}\nservices: {a: {<<: *a, <<: *a}}\n",
    b"x-a: &a {image: z/y:2}\nx-b: &b {hostname: h}\nservices: {a: {<<: [*a, *b]}}\n",
    b'x-a: &a {image: z/y:2}\nservices: {a: {"<<": *a}}\n',
    b"x-a: &a [1]\nservices: {a: {image: x/y:1, <<: *a}}\n",
    (b"x-a: &a {environment: {A: 1}}\n"
    b"services: {a: {image: x/y:1, environment: {B: 2}, <<: *a}}\n"),
    b"services: {a: {image: x/y:1, environment: *nope}}\n",
    b"services: {a: {image: x/y:1}, a: {image: x/y:2}}\n",
    b"services: {a: {image: x/y:1, 'image': x/y:2}}\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      1: x\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      true: x\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      ~: x\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      y: x\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      on: x\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      1.5: x\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      2024-01-01: x\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      ? A\n      : b\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      ? [A]\n      : b\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      {A: b}: c\n",
    (b'services:\n  a:\n    image: x/y:1\n'
    b'    environment: {A: \'it\'\'s\', B: "a\\x41\\u00e9\\U0001F600\\e\\_\\N\\L\\P\\0\\/"}\n'),
    b'services:\n  a:\n    image: x/y:1\n    environment: {A: "\\q"}\n',
    b'services:\n  a:\n    image: x/y:1\n    environment: {A: "a\\\n        b"}\n',
    (b"services:\n  a:\n    image: x/y:1\n    environment:\n      A: >\n        x\n"
    b"        y\n\n        z\n      B: |-\n        x\n      C: |2\n          x\n"
    b"      D: >+\n        x\n\n"),
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      A: |\n      B: ''\n",
    (b"services:\n  a:\n    image: x/y:1\n    environment:\n      A: a # c\n      B: a#c\n"
    b"      C: '#'\n"),
    b"services:\n  a:\n    image: x/y:1\n    environment: {A: a, B, C: }\n",
    b"services:\n  a:\n    image: x/y:1\n    environment: {A: [,]}\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n      - A=b\n      -B=c\n",
    b"services:\n  a:\n    image: x/y:1\n    environment:\n    - A=b\n",
    b"services:\n  a:\n    image: x/y:1\n    command: [a, b,]\n",
    b"services:\n  a:\n    image: x/y:1\n    command: ['a' 'b']\n",
    b"services:\n  a:\n    image: x/y:1\n    hostname: a: b\n",
    b"services:\n  a:\n    image: x/y:1\n    hostname: @a\n",
    b"services:\n  a:\n    image: x/y:1\n    hostname: `a`\n",
    b"services:\n  a:\n    image: x/y:1\n    hostname: %a\n",
    b"services:\n  a:\n    image: x/y:1\n    hostname: !x a\n",
    b"services:\n  a:\n    image: x/y:1\n    hostname: ! 5\n",
    b"services:\n  a:\n    image: x/y:1\n    hostname: !!binary aGVsbG8=\n",
    b"services:\n  a:\n    image: x/y:1\n    hostname: !<tag:yaml.org,2002:str> 5\n",
    b"services:\n  a:\n    image: x/y:1\n    hostname: !!str\n",
    (b"services:\n  a:\n    image: x/y:1\n"
    b"    environment: {A: !!int '5', B: !!float 1, C: !!null x}\n"),
    b"services:\n  a:\n    image: x/y:1\n    environment: {A: !!bool yes}\n",
    b"services:\n  a:\n    image: x/y:1\n    environment: !!map {A: b}\n",
    b"services:\n  a:\n    image: x/y:1\n    environment: !!set {A, B}\n",
    b"services:\n  a:\n    image: x/y:1\n    command: !!seq [a]\n",
    b"services:\n  a:\n    image: x/y:1\n    environment: !!omap [A: b]\n",
    b"services:\n  a:\n    image: x/y:1\n    hostname: *a\n",
    b"services:\n  a:\n    image: x/y:1\n    hostname: &a a\n    domainname: *a\n",
    (b"services:\n  a:\n    image: x/y:1\n    hostname: &a a\n    domainname: &a b\n"
    b"    user: *a\n"),
    b"services: &s {a: {image: x/y:1}}\n",
    b"services: {a: &a {image: x/y:1, environment: *a}}\n",
    b"",
    b"# only\n",
    b"---\n",
    b"null\n",
    b"[]\n",
    b"a\n",
    b"services:\n",
    b"services: []\n",
    b"{services: {a: {image: x/y:1}}}",
    b"services: {a: {image: x/y:1}}\r\n",
    b"services:\r\n  a:\r\n    image: x/y:1\r\n",
    b"services:\r  a:\r    image: x/y:1\r",
    b"services: {a: {image: x/y:1}}\x00\n",
    b"services: {a: {image: x/y:1\n",
    b'services: {a: {image: "x/y:1}}\n',
    b"services: {a: {image: x/y:1}}}\n",
    b"  services: {a: {image: x/y:1}}\nx-a: 1\n",
    b"services:\n  a:\n    image: x/y:1\n   hostname: b\n",
    b"services:\n  a:\n   image: x/y:1\n   hostname: b\n  b: {image: x/z:1}\n",
    b'services:\n  a:\n    image: x/y:1\n    environment: {A: "\xc2\x85"}\n',
    b'services:\n  a:\n    image: x/y:1\n    environment: {A: "\xe2\x80\xa8"}\n',
    (b"services:\n  a:\n    image: x/y:1\n"
    b"    environment: {A: 'x\xe2\x80\xa8y', B: '\xef\xbb\xbf', C: '\xf0\x9f\x98\x80'}\n"),
    b'services:\n  a:\n    image: x/y:1\n    environment: {"A": "b", \'C\': d, ? E : f}\n',
    b'services:\n  a:\n    image: x/y:1\n    environment: {"A":b, "C":"d"}\n',
    b"services:\n  a:\n    image: x/y:1\n    environment: {A:b}\n",
    b"services:\n  a:\n    image: x/y:1\n    environment: {http://x: y}\n",
    b"services:\n  a:\n    image: x/y:1\n    environment: [A=b#c, 'D=e #f']\n",
    b'services:\n  a:\n    image: x/y:1\n    healthcheck: {test: ["CMD", "a", ]}\n',
    (b"services:\n  a:\n    image: x/y:1\n    healthcheck:\n      test: >-\n"
    b"        curl -f http://x || exit 1\n"),
    (b"services:\n  a:\n    image: x/y:1\n    environment:\n      A: 0x_1F\n      B: 0b1_0\n"
    b"      C: +0x1F\n      D: -0o17\n      E: 0_7\n      F: 1__0\n      G: 1e+3\n"
    b"      H: 1.\n      I: 0.0\n      J: -0.0\n      K: 1E3\n      L: .5e1\n      M: 00\n"
    b"      N: 0o8\n      O: 08.5\n      P: 1e-7\n      Q: 123456789012\n"
    b"      R: 9223372036854775808\n      S: 18446744073709551616\n"
    b"      T: -9223372036854775809\n      U: 0xFFFFFFFFFFFFFFFFF\n      V: 1_0.5\n"
    b"      W: +.5\n      X: -.Inf1\n      Y: 190:20:30\n      Z: 0o1_7\n"),
    (b"services:\n  a:\n    image: x/y:1\n    environment:\n"
    b"      A: 2001-12-14t21:59:43.10-05:00\n      B: 2001-12-14T21:59:43Z\n"
    b"      C: 2001-12-14T21:59:43\n      D: 2001-12-14 21:59\n      E: 2001-2-3\n"
    b"      F: 2001-02-30\n      G: 2001-12-14T21:59:60Z\n      H: 2001-12-14 1:2:3\n"
    b"      I: 2001-12-14 21:59:43.123456789\n      J: 2001-12-14 21:59:43.1234567891\n"
    b"      K: 0001-01-01\n      L: 2001-12-14T21:59:43+00:00\n"
    b"      M: 2001-12-14T21:59:43.0Z\n      N: 2001-12-14T24:00:00Z\n"
    b"      O: 2001-12-14T21:59:43+14:59\n      P: 2001-12-14T21:59:43,5Z\n"
    b"      Q: 2001-1-1T1:1:1Z\n      R: 2001-12-14  21:59:43\n"),
)
# fmt: on
