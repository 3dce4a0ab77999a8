#!/bin/sh
# Makes a static library that exposes nothing but sessio_*, out of the one that cargo builds.
#
#   packaging/localize-symbols.sh target/release/libsessio.a libsessio.a
#
# A static library has no notion of what it exports: the bundled SQLite's sqlite3_* are as global as ours, and an app that brings
# its own SQLite cannot be linked with both, or is silently linked with one. Here all that is needed becomes one object, in which
# every other symbol is local. For ELF (Linux, Android); LD, NM, AR and OBJCOPY may name the tools of a cross toolchain.
set -eu

if [ $# -ne 2 ]; then
  echo "usage: $0 <static library> <new static library>" >&2
  exit 2
fi
library=$1
result=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Our functions are the roots; what they do not need stays behind. Members without symbols make nm complain.
"${NM:-nm}" -g --defined-only "$library" 2>/dev/null | sed -n 's/^.* T \(sessio_.*\)$/-u\n\1/p' >"$work/roots"
if [ ! -s "$work/roots" ]; then
  echo "$0: $library defines no sessio_* functions" >&2
  exit 1
fi

"${LD:-ld}" -r -o "$work/sessio.o" "@$work/roots" "$library"
# The bitcode that Rust's standard library carries is of no use any more, and makes tools with an older LLVM plugin abort.
"${OBJCOPY:-objcopy}" --wildcard --keep-global-symbol='sessio_*' --remove-section=.llvmbc --remove-section=.llvmcmd "$work/sessio.o"
rm -f "$result"
"${AR:-ar}" rcs "$result" "$work/sessio.o"
