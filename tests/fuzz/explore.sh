#!/bin/sh
# Runs fuzz targets and ends with a table of what came of each.
#
# usage: explore.sh SECONDS JOBS TARGET...      in the folder of the build; top_srcdir is set
#
# JOBS targets run at a time, SECONDS each. What each finds beyond its corpus goes to
# tests/fuzz/work/TARGET, its output to TARGET.log there, an input that breaks it to
# crash-TARGET-*. Exits with 1 when there is any of these, old ones included.
set -u
usage() { sed -n 's/^# //p' "$0" >&2; exit 2; }
[ $# -ge 3 ] || usage
seconds=$1 jobs=$2
shift 2
work=tests/fuzz/work
mkdir -p "$work"

# A target that breaks must not end the others.
explore() {
	mkdir -p "$work/$1"
	"tests/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$work/crash-$1-" "$work/$1" \
		"$top_srcdir/tests/fuzz/corpus/$1" >"$work/$1.log" 2>&1
	echo $? >"$work/$1.exit"
}

running=0
for target; do
	echo "fuzz_$target: $seconds s"
	explore "$target" &
	running=$((running + 1))
	if [ "$running" -ge "$jobs" ]; then
		wait
		running=0
	fi
done
wait

findings() { find "$work" -maxdepth 1 -name "crash-$1-*" ! -name '*-slow-unit-*' | wc -l; }
stat_of() { sed -n "s/^stat::$2: *//p" "$work/$1.log" | tail -n 1; }
coverage() { sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$work/$1.log" | tail -n 1; }

printf '\n%-12s %14s %8s %9s %8s\n' target executions 'per s' coverage findings
bad=0
for target; do
	n=$(findings "$target")
	runs=$(stat_of "$target" number_of_executed_units)
	printf '%-12s %14s %8s %9s %8s\n' "$target" "${runs:--}" \
		"$(stat_of "$target" average_exec_per_sec)" "$(coverage "$target")" "$n"
	if [ "$n" -gt 0 ] || [ "$(cat "$work/$target.exit")" != 0 ]; then
		bad=1
		echo "  see $work/$target.log"
	fi
done
exit "$bad"
