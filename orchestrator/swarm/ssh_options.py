"""Which options of ssh's configuration are kept to here, and which are refused by their names.

An option that is neither kept to nor known to restrict nothing is refused as soon as it is set
otherwise than usual: who wrote it may count on it, and newer versions of ssh have new ones.
"""

from collections.abc import Mapping

KEPT_TO = frozenset(
    {
        "addressfamily",
        "bindaddress",
        "ciphers",
        "connecttimeout",
        "globalknownhostsfile",
        "host",
        "hostkeyalgorithms",
        "hostkeyalias",
        "hostname",
        "identitiesonly",
        "identityagent",
        "identityfile",
        "kexalgorithms",
        "macs",
        "port",
        "proxycommand",
        "proxyjump",
        "pubkeyacceptedalgorithms",
        "pubkeyacceptedkeytypes",
        "requiredrsasize",
        "rsaminsize",
        "user",
        "userknownhostsfile",
    }
)
_STRICTER_HERE = frozenset(
    {
        # Host keys are always checked, by known_hosts alone, and never recorded; nobody is asked.
        "batchmode",
        "hashknownhosts",
        "nohostauthenticationforlocalhost",
        "stricthostkeychecking",
        "updatehostkeys",
        "verifyhostkeydns",
        # No other way to log in is tried than by public key, without certificates.
        "casignaturealgorithms",
        "certificatefile",
        "challengeresponseauthentication",
        "enablesshkeysign",
        "gssapiauthentication",
        "gssapiclientidentity",
        "gssapidelegatecredentials",
        "gssapikexalgorithms",
        "gssapikeyexchange",
        "gssapirenewalforcesrekey",
        "gssapiserveridentity",
        "gssapitrustdns",
        "hostbasedacceptedalgorithms",
        "hostbasedauthentication",
        "hostbasedkeytypes",
        "kbdinteractiveauthentication",
        "kbdinteractivedevices",
        "numberofpasswordprompts",
        "passwordauthentication",
        "pkcs11provider",
        "securitykeyprovider",
        # Nothing is forwarded, and nothing is run on this machine.
        "clearallforwardings",
        "dynamicforward",
        "exitonforwardfailure",
        "forwardagent",
        "forwardx11",
        "forwardx11timeout",
        "forwardx11trusted",
        "gatewayports",
        "localcommand",
        "localforward",
        "permitlocalcommand",
        "permitremoteopen",
        "remoteforward",
        "streamlocalbindmask",
        "streamlocalbindunlink",
        "tunnel",
        "tunneldevice",
        "xauthlocation",
    }
)
_WITHOUT_EFFECT = frozenset(
    {
        "addkeystoagent",
        "canonicaldomains",  # ssh has applied these before it answers
        "canonicalizefallbacklocal",
        "canonicalizehostname",
        "canonicalizemaxdots",
        "canonicalizepermittedcnames",
        "channeltimeout",
        "compression",
        "compressionlevel",
        "connectionattempts",
        "controlmaster",
        "controlpath",
        "controlpersist",
        "enableescapecommandline",
        "escapechar",
        "fingerprinthash",
        "forkafterauthentication",
        "ignoreunknown",
        "include",
        "ipqos",
        "loglevel",
        "logverbose",
        "obscurekeystroketiming",
        "rekeylimit",  # keys are renewed after 512 MB (paramiko, REKEY_BYTES)
        "remotecommand",
        "requesttty",
        "sendenv",
        "serveralivecountmax",
        "serveraliveinterval",
        "sessiontype",
        "setenv",
        "stdinnull",
        "syslogfacility",
        "tag",
        "tcpkeepalive",
        "useprivilegedport",
        "usekeychain",
        "versionaddendum",
        "visualhostkey",
        "warnweakcrypto",
    }
)
_NAMES = {
    "checkhostip": "CheckHostIP",
    "knownhostscommand": "KnownHostsCommand",
    "preferredauthentications": "PreferredAuthentications",
    "proxyusefdpass": "ProxyUseFdpass",
    "pubkeyauthentication": "PubkeyAuthentication",
    "revokedhostkeys": "RevokedHostKeys",
    "bindinterface": "BindInterface",
    "refuseconnection": "RefuseConnection",
}
"""As ssh_config(5) writes them: `ssh -G` says all of them in small letters."""
_INSTEAD = {
    "revokedhostkeys": "; mark them @revoked in known_hosts",
    "knownhostscommand": "; write what it says into known_hosts",
}
_OFF = frozenset({"no", "false", "none"})
_WITHOUT_HARM = frozenset({"checkhostip", "knownhostscommand", "proxyusefdpass", "revokedhostkeys"})
"""Restrict nothing where they are switched off."""


def refused(
    host: str, options: Mapping[str, tuple[str, ...]], usual: Mapping[str, tuple[str, ...]]
) -> str:
    """Return why a host's options cannot be kept to, with what to do; "" where they can.

    Args:
        host: what the operator calls it.
        options: what ssh says of it, by names in small letters.
        usual: what ssh says where nothing is set.

    """
    for option in sorted(options.keys() - KEPT_TO - _STRICTER_HERE - _WITHOUT_EFFECT):
        values = options[option]
        if values == usual.get(option) or _harmless(option, values):
            continue
        name = _NAMES.get(option, option)
        instead = _INSTEAD.get(option, "")
        return (
            f"{name} {' '.join(values)}: {name} is not read here; leave it out for {host}{instead}"
        )
    return ""


def _harmless(option: str, values: tuple[str, ...]) -> bool:
    said = " ".join(values).lower()
    if option == "preferredauthentications":
        return "publickey" in said.split(",")
    if option == "pubkeyauthentication":
        return said not in _OFF
    return option in _WITHOUT_HARM and said in _OFF
