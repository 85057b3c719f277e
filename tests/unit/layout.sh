#!/bin/sh
# layout.sh CLANG-FORMAT ROOT: whether every C file is laid out as .clang-format
# says.
set -eu
cd "$2"
find src tests -name '*.[ch]' -print0 |
	xargs -0 "$1" --style=file --dry-run --Werror
