#!/bin/sh
# The documents say what the programs say: words, options, manual pages, unit.
set -u

src=${top_srcdir:-.}
build=${top_builddir:-.}
count=0
bad=0

# result NAME PROBLEMS: one test; no problems is a success.
result()
{
	count=$((count + 1))
	if [ -z "$2" ]; then
		echo "ok $count - $1"
	else
		bad=1
		echo "not ok $count - $1"
		printf '%s\n' "$2" | sed 's/^/#   /'
	fi
}

skip()
{
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# The strings of the name table TABLE[...] in a source file.
words_of()
{
	sed -n "/ $1\[.*\] = {/,/^};/s/.*/&/p" "$src/$2" | grep -o '"[^"]*"' | tr -d '"'
}

# The second column of an X-macro table: names_of PREFIX FILE.
names_of()
{
	sed -n "s/^[[:space:]]*X($1[A-Z0-9_]*, \"\([^\"]*\)\".*/\1/p" "$src/$2"
}

# Those of the words on standard input that the metrics do not have in code marks.
not_in_metrics()
{
	while read -r word; do
		grep -qF "\`$word\`" "$src/doc/metrics.md" || echo "doc/metrics.md lacks \`$word\`"
	done
}

# A table that cannot be found must not pass for one without words.
check_words()
{
	if [ -z "$2" ]; then
		result "metrics: every $1" "found no word in the source"
	else
		result "metrics: every $1" "$(printf '%s\n' "$2" | not_in_metrics)"
	fi
}

for kind in verdict reason exposure cause stripped directions oddity finding word protocol service; do
	check_words "$kind" "$(words_of "${kind}_names" dissectors/verdict_names.c)"
done
check_words "count" "$(names_of COUNT_ reports/counts.h)"
check_words "health counter" "$(names_of '' reports/health.h)"
check_words "key of the record" "$(python3 -c '
import sys
sys.path.insert(0, sys.argv[1] + "/tests/integration")
from session_record import CERTIFICATE, SCHEMA
print("\n".join([*SCHEMA, *CERTIFICATE]))' "$src")"

# Those of the words on standard input that mailseal.yaml(5) does not have after a macro.
not_in_conf_page()
{
	while read -r word; do
		grep -qE -- "^\.Cm (.* )?$word( |\$)" "$src/doc/mailseal.yaml.5" ||
			echo "mailseal.yaml.5 lacks $word"
	done
}

for table in "rule RULE_ reports/rules.h" "kind of target TARGET_ reports/target.h"; do
	words=$(names_of "$(echo "$table" | sed 's/.* \([A-Z_]*\) .*/\1/')" "${table##* }")
	result "mailseal.yaml(5) has every ${table%% [A-Z]*}" "$(
		[ -n "$words" ] || echo "found no word in the source"
		printf '%s\n' "$words" | not_in_conf_page)"
done

# Each rule has a chapter, and each of its settings a row.
rules=$(names_of RULE_ reports/rules.h)
result "alerts: every rule has its chapter" "$(
	[ -n "$rules" ] || echo "found no rule in the source"
	for rule in $rules; do
		grep -qx "### $rule" "$src/doc/alerts.md" || echo "doc/alerts.md has no chapter of $rule"
	done
	for part in Means 'Check first' 'Wrong when'; do
		[ "$(grep -c "^\*\*$part\(\.\|\*\*\)" "$src/doc/alerts.md")" -eq \
			"$(printf '%s\n' "$rules" | wc -l)" ] || echo "not every rule says: $part"
	done)"
settings=$(sed -n 's/^\.It Ic alerts\.rules\.\([a-z_]*\)$/\1/p' "$src/doc/mailseal.yaml.5" |
	grep -vx -e rule -e client -e server)
result "alerts: every setting of a rule" "$(
	[ -n "$settings" ] || echo "mailseal.yaml(5) has no settings of rules"
	for setting in $settings; do
		grep -q "^| \`$setting\` |" "$src/doc/alerts.md" || echo "doc/alerts.md lacks $setting"
	done)"

help=$("$build/mailseald" --help 2>&1)
status=$?
result "mailseald --help succeeds" "$([ "$status" -eq 0 ] || echo "exit $status: $help")"
options=$(printf '%s\n' "$help" | grep -oE -- '(^|[^a-z-])--?[a-z][a-z-]*' | grep -oE -- '-.*' | sort -u)
result "mailseald(8) has every option of --help" "$(
	[ -n "$options" ] || echo "--help names no option"
	printf '%s\n' "$options" | while read -r option; do
		# mdoc writes -c as "Fl c" and --state as "Fl -state"
		grep -qE -- "^\.(It|Op)? ?Fl ${option#-}( |$)" "$src/doc/mailseald.8" ||
			echo "mailseald.8 lacks $option"
	done)"
result "--help has every option of mailseald(8)" "$(
	sed -n 's/^\.It Fl \([^ ]*\).*/-\1/p' "$src/doc/mailseald.8" | while read -r option; do
		printf '%s\n' "$options" | grep -qxF -- "$option" || echo "--help lacks $option"
	done)"

if command -v mandoc >/dev/null; then
	for page in "$src"/doc/*.[158]; do
		# Which other manuals are installed is the machine's affair.
		result "mandoc: $(basename "$page")" "$(mandoc -T lint -W style "$page" 2>&1 |
			grep -v -e 'referenced manual not found' -e 'outdated mandoc.db')"
	done
else
	skip "mandoc" "mandoc is not installed"
fi

# unit_is_tight NAME TENTHS: what systemd-analyze security makes of it.
unit_is_tight()
{
	result "$1 is at most $2 tenths by systemd-analyze security" "$(
		folder=$(mktemp -d)
		cp "$build/systemd/$1" "$folder/"
		systemd-analyze security --offline=true --threshold="$2" "$folder/$1" >/dev/null 2>&1 ||
			systemd-analyze security --offline=true "$folder/$1" 2>&1 | tail -n 1
		rm -rf "$folder")"
}

for unit in mailseald.service=20 mailseal-web.service=15 mailseal-html.service=15; do
	if ! command -v systemd-analyze >/dev/null; then
		skip "${unit%=*}" "systemd-analyze is not installed"
	elif [ ! -f "$build/systemd/${unit%=*}" ]; then
		skip "${unit%=*}" "this build has no server"
	else
		unit_is_tight "${unit%=*}" "${unit#*=}"
	fi
done

echo "1..$count"
exit "$bad"
