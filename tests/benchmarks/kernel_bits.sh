#!/bin/sh
# The bits of the compiled kernel's results on every instruction set: this processor's, and 64-bit ARM's under an emulator.
# Wants g++, aarch64-linux-gnu-g++ and qemu-aarch64 (Debian: g++-aarch64-linux-gnu, qemu-user).
#
#     sh tests/benchmarks/kernel_bits.sh [FOLDER]
#
# Exit code 0: all builds give the same hash for each dump.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$(mktemp -d)}
flags="-O2 -std=c++17 -ffp-contract=off -fno-exceptions -fno-rtti -Wno-psabi"
sources="$root/native/kernel.cpp $root/native/harness.cpp"
g++ $flags $sources -o "$folder/bits_here"
aarch64-linux-gnu-g++ $flags -static $sources -o "$folder/bits_arm"
"$folder/bits_here" > "$folder/here.txt"
qemu-aarch64 "$folder/bits_arm" > "$folder/arm.txt"
here=$(sort -u "$folder/here.txt" | wc -l)
both=$(sort -u "$folder/here.txt" "$folder/arm.txt" | wc -l)
dumps=$(sort -u "$folder/arm.txt" | wc -l)
echo "$dumps dumps, $(wc -l < "$folder/here.txt") lines here, $(wc -l < "$folder/arm.txt") on ARM; $both different hashes"
test "$here" -eq "$dumps" && test "$both" -eq "$dumps"
