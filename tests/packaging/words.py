"""What the two programs can be told, as they say themselves: the measure for
the manual and for the completions."""

import re
import subprocess


def _said(program, *words):
    done = subprocess.run([program, *words], stdout=subprocess.PIPE, timeout=60, check=True)
    return done.stdout.decode()


class Words:
    """options: --long ones, and -letters. settings: after -o, with = behind
    what takes a value. keys: of a profile. variables: of the environment."""

    def __init__(self, build):
        whole = _said(f"{build}/src/bkendfs", "--help=all")
        served = _said(f"{build}/src/bkend-emulator", "--help").partition("Control interface")[0]
        head, _, rest = whole.partition("\nSettings, ")
        rows, _, elsewhere = rest.partition("\nWeaker than -o")
        self.options = set(re.findall(r"(?<=[ \[])--[a-z]+(?![a-z=])", head))
        self.letters = set(re.findall(r"^  (-[a-zA-Z])\b", head, re.M)) | {"-o"}
        self.settings = set(re.findall(r"^  ([a-z_]+=?)", rows, re.M))
        self.variables = set(re.findall(r"BKEND[A-Z_]+", elsewhere))
        same = elsewhere.partition("\n  as after -o")[2].partition("Secrets are")[0]
        self.keys = set(re.findall(r"^  (?:BKEND[A-Z_]+, )?([a-z_]+)(?= |$)", elsewhere, re.M))
        self.keys -= {"as"}
        self.keys |= {word.strip(",") for word in same.split()}
        self.emulator = set(re.findall(r"(?:^  |, )(--[a-z-]+)", served, re.M))
        assert len(self.options) >= 7 and len(self.settings) >= 18
        assert len(self.variables) >= 9 and len(self.keys) >= 20 and len(self.emulator) >= 38, vars(self)
