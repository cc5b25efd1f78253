# A double of OpenWrt's /lib/functions.sh, and of the programs that the scripts here call: what
# matters to others than the script is noted in /record.

note() {
	local name="$1" word line
	shift
	line="$name"
	for word; do line="$line [$word]"; done
	echo "$line" >>/record
}

default_postinst() { note default_postinst "$@" "$root" "$pkgname"; }
default_prerm() { note default_prerm "$@" "$root" "$pkgname"; }

logger() { note logger "$@"; }
sleep() { note sleep "$@"; }
resolveip() {
	note resolveip "$@"
	[ ! -f /data/resolved ] || cat /data/resolved
}

# UCI's files read as shell commands.
config() {
	UCI_COUNT=$((UCI_COUNT + 1))
	UCI_SECTION="${2:-cfg$UCI_COUNT}"
	UCI_SECTIONS="$UCI_SECTIONS $1:$UCI_SECTION"
}
option() { eval "UCI_${UCI_SECTION}_$1=\$2"; }
list() {
	local length
	eval "length=\${UCI_${UCI_SECTION}_$1_LENGTH:-0}"
	length=$((length + 1))
	eval "UCI_${UCI_SECTION}_$1_LENGTH=$length; UCI_${UCI_SECTION}_$1_$length=\$2; UCI_${UCI_SECTION}_$1=\"\${UCI_${UCI_SECTION}_$1:+\$UCI_${UCI_SECTION}_$1 }\$2\""
}
config_load() {
	UCI_COUNT=0 UCI_SECTIONS=
	. "/etc/config/$1"
}
config_get() { eval "$1=\${UCI_$2_$3:-\$4}"; }
config_get_bool() {
	config_get "$@"
	eval "case \"\$$1\" in 1 | on | true | yes | enabled) $1=1 ;; *) $1=0 ;; esac"
}
config_foreach() {
	local section function="$1" type="$2"
	shift 2
	for section in $UCI_SECTIONS; do
		[ "${section%%:*}" != "$type" ] || "$function" "${section#*:}" "$@"
	done
}
config_list_foreach() {
	local section="$1" name="$2" function="$3" length value i=1
	shift 3
	eval "length=\${UCI_${section}_${name}_LENGTH:-0}"
	while [ $i -le "$length" ]; do
		eval "value=\$UCI_${section}_${name}_$i"
		"$function" "$value" "$@"
		i=$((i + 1))
	done
}

json_get_var() { [ -f "/data/$2" ] && eval "$1=\$(cat \"/data/$2\")"; }
json_get_vars() {
	local name
	for name; do json_get_var "$name" "$name"; done
}
for name in json_add_array json_add_object json_add_string json_close_array json_close_object; do
	eval "$name() { note $name \"\$@\"; }"
done
