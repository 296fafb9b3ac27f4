#!/bin/sh
# sensor/classify.c compiles with the interface of each libndpi that changed it, and of none.
# MAILSEAL_NDPI_HEADERS: folders of real headers (where ndpi_api.h is) to try as well, with colons between.
set -u

src=${top_srcdir:-.}
count=0
bad=0

# compiles NAME OPTION...: one test.
compiles()
{
	count=$((count + 1))
	name=$1
	shift
	# shellcheck disable=SC2086
	if said=$(${CC:-cc} ${COMPILE_FLAGS:-"-I$src"} -Werror "$@" -fsyntax-only \
		"$src/sensor/classify.c" 2>&1); then
		echo "ok $count - $name"
	else
		bad=1
		echo "not ok $count - $name"
		printf '%s\n' "$said" | sed 's/^/#   /'
	fi
}

compiles "without libndpi"
for version in 4.2 4.4 4.6 4.8 4.10 4.12 4.14 5.0; do
	compiles "libndpi $version" -DHAVE_NDPI=1 -I"$src/tests/ndpi" \
		-DNDPI_MAJOR="${version%.*}" -DNDPI_MINOR="${version#*.}"
done
IFS=:
for folder in ${MAILSEAL_NDPI_HEADERS-}; do
	unset IFS
	compiles "the headers in $folder" -DHAVE_NDPI=1 -I"$folder"
done

echo "1..$count"
exit "$bad"
