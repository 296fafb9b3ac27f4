#!/bin/sh
# The documents say what the programs say: words, options, manual pages.
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

# What stands in the usage of each command stands in the synopsis, and the other way round.
result "mailseal(1): the synopsis of each command is that of its --help" "$(python3 -c '
import re, subprocess, sys
tool, page = sys.argv[1:]
synopsis = open(page).read().split(".Sh SYNOPSIS\n")[1].split(".Sh ")[0]
forms = re.findall(r"\.Cm ([a-z-]+)\n(.*?)(?=\.Nm\n|\Z)", synopsis, re.S)
commands = sorted({name for name, _ in forms})
print("\n".join(["no command"] * (not commands)), end="")
for name in commands:
    usage = subprocess.run([tool, name, "--help"], stdout=subprocess.PIPE, text=True).stdout
    said = set(re.findall(r"(?<![\w-])--?([a-zA-Z][a-z-]*)", usage.split("\n\n")[0]))
    page = {o.lstrip("-") for form in forms if form[0] == name
            for o in re.findall(r"(?:Fl |\| (?=-))(-?[a-zA-Z][a-z-]*)", form[1])}
    for what, options in (("synopsis", said - page), ("--help", page - said)):
        for option in sorted(options):
            print("%s: its %s lacks %s" % (name, what, option))
' "$build/mailseal" "$src/doc/mailseal.1")"

# Sections that a running sensor takes, as "incidents.", in the paragraphs about SIGHUP.
taken=$(sed -n '/ taken\[\] = {/,/}/p' "$src/sensor/conf_reload.c" | grep -o '"[a-z]*\."' | tr -d '".')
for page in mailseal.yaml.5 mailseald.8; do
	result "$page has every section that SIGHUP takes" "$(
		[ -n "$taken" ] || echo "found no section in the source"
		for section in $taken peers exceptions; do
			sed -n '/Dv SIGHUP$/,/SIGUSR1\|chgrp/p' "$src/doc/$page" |
				grep -qiE "(^|[^a-z])$section([^a-z]|$)" || echo "$page lacks $section"
		done)"
done

# A quote that is opened within another is closed behind it.
result "manual pages nest no quotes" "$(grep -nE '^\.(Pq )?[DS]q .* [DS]q ' "$src"/doc/*.[158])"

if command -v mandoc >/dev/null; then
	for page in "$src"/doc/*.[158]; do
		# Which other manuals are installed is the machine's affair.
		result "mandoc: $(basename "$page")" "$(mandoc -T lint -W style "$page" 2>&1 |
			grep -v -e 'referenced manual not found' -e 'outdated mandoc.db')"
	done
else
	skip "mandoc" "mandoc is not installed"
fi

# What the filter of the capture process lets through.
calls=$(grep -o 'SCMP_SYS([a-z_]*)' "$src/sensor/confine.c" | sed 's/.*(\(.*\))/\1/' | sort -u)
result "SECURITY.md has every system call that is let through" "$(
	[ -n "$calls" ] || echo "found no call in the source"
	for call in $calls; do
		grep -qF "\`$call\`" "$src/SECURITY.md" || echo "SECURITY.md lacks $call"
	done)"

echo "1..$count"
exit "$bad"
