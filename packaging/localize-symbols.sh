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

# Rust's objects carry bitcode beside their code. Tools with an LLVM plugin look at that instead, and fail where it is too new for them.
"${OBJCOPY:-objcopy}" --remove-section=.llvmbc --remove-section=.llvmcmd "$library" "$work/library.a"

# Our functions are the roots; what they do not need stays behind. nm complains of members without symbols.
"${NM:-nm}" -g --defined-only "$work/library.a" 2>/dev/null | sed -n 's/^.* T \(sessio_.*\)$/-u \1/p' >"$work/roots"
if [ ! -s "$work/roots" ]; then
  echo "$0: $library defines no sessio_* functions" >&2
  exit 1
fi

"${LD:-ld}" -r -o "$work/sessio.o" "@$work/roots" "$work/library.a"
"${OBJCOPY:-objcopy}" --wildcard --keep-global-symbol='sessio_*' "$work/sessio.o"
rm -f "$result"
"${AR:-ar}" rcs "$result" "$work/sessio.o"
