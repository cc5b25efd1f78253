# A double of netifd's: what netifd would be told is noted in /record.
. /lib/functions.sh

for name in proto_init_update proto_set_keep proto_add_ipv4_address proto_add_ipv6_address proto_add_ipv4_route proto_add_dns_server proto_send_update \
	proto_run_command proto_kill_command proto_notify_error proto_block_restart proto_setup_failed proto_add_host_dependency \
	proto_config_add_string proto_config_add_int proto_config_add_boolean; do
	eval "$name() { note $name \"\$@\"; }"
done

init_proto() {
	PROTO_CALLED="$1" PROTO_COMMAND="$2" PROTO_INTERFACE="$3"
	add_protocol() {
		[ "$PROTO_CALLED" = "$1" ] || return 0
		case "$PROTO_COMMAND" in
		dump)
			"proto_$1_init_config"
			note flags "no_device=$no_device" "available=$available" "lasterror=$lasterror"
			;;
		*) "proto_$1_$PROTO_COMMAND" "$PROTO_INTERFACE" ;;
		esac
	}
}
