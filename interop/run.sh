#!/bin/bash
# run.sh [-t SECONDS] [-m MEM] [-o DIR] [-c CPU] SCENARIO [ARG...]
#
# Boots a user-mode Linux guest on this machine's own file system (read-only,
# under a throw-away overlay), runs SCENARIO in it and exits with its status.
#   -t  hard limit for the whole guest (default 600)
#   -m  guest memory (default 768M)
#   -o  keep the guest's logs and captures in DIR
#   -c  pin the guest to this CPU (its processes must share one to be fast)
# SCENARIO is a path, or a name in scenarios/ (with or without .sh). Needs
# build.sh to have been run. Exit status: the scenario's; 124 on the time
# limit; 125 if the guest did not start or stopped by itself.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${INTEROP_BUILD:-$here/../build/interop}
limit=600 mem=768M keep='' cpu=''
while getopts t:m:o:c: o; do
	case $o in
	t) limit=$OPTARG ;;
	m) mem=$OPTARG ;;
	o) keep=$OPTARG ;;
	c) cpu=$OPTARG ;;
	*) exit 125 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 125; }

scen=$1
shift
for s in "$scen" "$here/scenarios/$scen" "$here/scenarios/$scen.sh"; do
	[ -f "$s" ] && { scen=$(realpath "$s"); break; }
done
[ -f "$scen" ] || { echo "run.sh: no scenario $scen" >&2; exit 125; }
build=$(realpath -m "$build")
[ -e "$build/kpptp.so" ] || { echo "run.sh: no $build/kpptp.so; run build.sh first" >&2; exit 125; }

job=$(mktemp -d "${TMPDIR:-/tmp}/interop.XXXXXX") || exit 125
trap 'rm -rf "$job"' EXIT
mkdir "$job/out"
{
	printf 'export INTEROP=%q INTEROP_BUILD=%q\n' "$here" "$build"
	# settings for the scenarios travel by name
	for v in ${!LAB_@}; do printf 'export %s=%q\n' "$v" "${!v}"; done
	printf 'exec bash %q' "$scen"
	[ $# -gt 0 ] && printf ' %q' "$@"
	echo
} >"$job/job.sh"

pin=()
[ -n "$cpu" ] && pin=(taskset -c "$cpu")
# All of the guest's processes are in timeout's process group, so its KILL ends
# every one of them. The name of the job directory tells guests apart.
timeout -k 5 "$limit" "${pin[@]}" linux.uml mem="$mem" root=/dev/root \
	rootfstype=hostfs rootflags=/ ro init="$here/guest/init.sh" \
	uml_dir="$job/" umid=guest \
	INTEROP="$here" JOB="$job" quiet loglevel=1 panic=-1 \
	con=null con0=fd:0,fd:1 </dev/null 2>&1 |
	sed -u -n -e 's/\r$//' -e '/^--interop--$/,/^--interop end--$/{/^--interop/!p}'
rc=${PIPESTATUS[0]}
if [ -n "$keep" ]; then
	mkdir -p "$keep" && cp -r "$job/out/." "$keep/"
fi
if [ -s "$job/status" ]; then
	exit "$(cat "$job/status")"
fi
if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then
	echo "run.sh: time limit of ${limit}s" >&2
	exit 124
fi
echo "run.sh: the guest ended without a status (rc $rc)" >&2
exit 125
