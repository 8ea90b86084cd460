"""Forks in order of activation. Rules compare with ``>=``."""

FRONTIER = 0
HOMESTEAD = 1
TANGERINE = 2
SPURIOUS = 3
BYZANTIUM = 4
CONSTANTINOPLE = 5
PETERSBURG = 6
ISTANBUL = 7
BERLIN = 8
LONDON = 9
PARIS = 10
SHANGHAI = 11
CANCUN = 12
PRAGUE = 13
OSAKA = 14
#: The last of them; tables by fork end here. A fork that is added comes to stand here too.
NEWEST = OSAKA

#: Names as in the execution-spec tests and in genesis files.
FORKS = {
    "Frontier": FRONTIER,
    "Homestead": HOMESTEAD,
    "TangerineWhistle": TANGERINE,
    "EIP150": TANGERINE,
    "SpuriousDragon": SPURIOUS,
    "EIP158": SPURIOUS,
    "Byzantium": BYZANTIUM,
    "Constantinople": CONSTANTINOPLE,
    "Petersburg": PETERSBURG,
    "ConstantinopleFix": PETERSBURG,
    "Istanbul": ISTANBUL,
    "MuirGlacier": ISTANBUL,
    "Berlin": BERLIN,
    "London": LONDON,
    "ArrowGlacier": LONDON,
    "GrayGlacier": LONDON,
    "Paris": PARIS,
    "Merge": PARIS,
    "Shanghai": SHANGHAI,
    "Cancun": CANCUN,
    "Prague": PRAGUE,
    "Osaka": OSAKA,
}
