#!/usr/bin/env bash
# What the compiler does not check: who may include whom, and functions that are banned.
# One line per finding as file:line: sentence; exit status 1 if there is any.
set -u
cd "$(dirname "$0")/.." || exit 2
status=0
report() { # reads "file:line:text" from stdin, prints it with a sentence
  while IFS=: read -r file line _; do
    printf '%s:%s: %s\n' "$file" "$line" "$1"
    status=1
  done
}

# base <- encoder, index <- db <- net <- cli: the folders whose headers a folder may use.
declare -A may=(
  [base]="base" [encoder]="base|encoder" [index]="base|index"
  [db]="base|encoder|index|db" [net]="base|net|db/duet\.h|db/duet_encoder\.h|db/duet_snapshot\.h" [cli]="base|cli|db/duet\.h|db/duet_encoder\.h|db/duet_eval\.h|db/duet_model\.h|db/duet_keep\.h|db/duet_snapshot\.h|db/duet_pictures\.h|net/server\.h"
)
folders="base encoder index db net cli"
for folder in $folders; do
  report "$folder/ may not include this (DESIGN: base <- encoder, index <- db <- net <- cli)" < <(
    grep -nE '^#include "(base|encoder|index|db|net|cli|tests)/' "$folder"/*.[ch] "$folder"/*.cpp 2>/dev/null |
      grep -vE "#include \"(${may[$folder]})(/|\")" | sed 's/^\([^:]*:[0-9]*\):.*/\1:/')
done

sources() { git ls-files 'base/*.[ch]' 'encoder/*.[ch]' 'index/*.[ch]' 'db/*.[ch]' 'net/*.[ch]' 'cli/*.[ch]' ':!encoder/training'; }
# shellcheck disable=SC2046
grep_code() { grep -nE "$1" $(sources) | grep -vE '^[^:]*:[0-9]+: *(\*|/\*)'; }

report "this function is banned: it knows no bounds or no errors" < <(
  grep_code '(^|[^_a-zA-Z>.])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|tmpnam|mktemp|system|popen)\(')
report "memory comes from base/alloc.h" < <(
  grep_code '(^|[^_a-zA-Z>.])(malloc|calloc|realloc|free|strdup|strndup|aligned_alloc)\(' | grep -v '^base/alloc\.c:')
report "a library returns its errors" < <(
  grep_code '(^|[^_a-zA-Z>.])(exit|abort|_exit)\(' | grep -v '^cli/')
report "// comments are not used in C here" < <(
  # shellcheck disable=SC2046
  grep -nE '^[^"]*(^|[ ;{}])//' $(sources) | grep -vE '^[^:]*:[0-9]+: *\*')
report "a TODO needs an issue number" < <(grep_code 'TODO|FIXME|XXX( |:)' | grep -vE '#[0-9]+')
report "one C++ file is allowed: index/faiss_bridge.cpp" < <(
  git ls-files '*.cpp' '*.cc' | grep -v '^index/faiss_bridge\.cpp$' | sed 's/$/:1:/')
exit $status
