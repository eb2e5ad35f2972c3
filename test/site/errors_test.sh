#!/bin/sh
# docs/errors.md says what the list of errors says.
set -eu
cd "$(dirname "$0")/../.."
"${CC:-cc}" -std=c11 -I. docs/errors.c -o "$TEST_TMP/errors_md"
"$TEST_TMP/errors_md" | diff - docs/errors.md || { echo 'run: make docs'; exit 1; }
