'use strict';
'require form';
'require network';
'require uci';

// The device is called so in /lib/netifd/proto/arc4.sh, and nothing else is.
network.registerPatternVirtual(/^arc4-.+$/);

// What /lib/netifd/proto/arc4.sh tells netifd of the program's exit codes.
network.registerErrorCode('OPTION_ERROR', _('The options of the tunnel are wrong: the system log says which'));
network.registerErrorCode('AUTH_FAILED', _('The server refused the user name or the password'));
network.registerErrorCode('NEGOTIATION_FAILED', _('The server does not agree to what is required here, such as encryption'));
network.registerErrorCode('NO_PERMISSION', _('No TUN device can be made: is kmod-tun installed?'));
network.registerErrorCode('FATAL_ERROR', _('The tunnel has failed: the system log says why'));

// "FAILURES INTERVAL", as in pppd's other protocols; one number is the failures.
const fallback = { failures: '4', interval: '5' };

function keepalive(section_id) {
	const value = uci.get('network', section_id, 'keepalive');
	const words = typeof value == 'string' ? value.trim().split(/[ ,]+/) : [];
	return { failures: words[0] || null, interval: words[1] || (words[0] ? fallback.interval : null) };
}

// Two fields are one option: it is written when either changes, from what both show then.
function writeKeepalive(section_id) {
	const shown = (name) => {
		const found = this.map.lookupOption(name, section_id);
		return found ? found[0].formvalue(section_id) : null;
	};
	const failures = shown('_keepalive_failures'), interval = shown('_keepalive_interval');
	if (failures || interval)
		uci.set('network', section_id, 'keepalive', `${failures || fallback.failures} ${interval || fallback.interval}`);
	else
		uci.unset('network', section_id, 'keepalive');
}

return network.registerProtocol('arc4', {
	getI18n: function() {
		return _('PPTP (arc4)');
	},

	getIfname: function() {
		return this._ubus('l3_device') || `arc4-${this.sid}`;
	},

	getPackageName: function() {
		return 'arc4';
	},

	// Up to OpenWrt 24.10.
	getOpkgPackage: function() {
		return 'arc4';
	},

	isFloating: function() {
		return true;
	},

	isVirtual: function() {
		return true;
	},

	getDevices: function() {
		return null;
	},

	containsDevice: function(ifname) {
		return network.getIfnameOf(ifname) == this.getIfname();
	},

	renderFormOptions: function(s) {
		let o;

		o = s.taboption('general', form.Value, 'server', _('VPN server'), _('Name or IPv4 address; with a colon and a port if that is not 1723'));
		o.rmempty = false;
		o.validate = function(section_id, value) {
			return /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$/.test(value) || _('Expecting: a host name or IPv4 address, and perhaps a port');
		};

		o = s.taboption('general', form.Value, 'username', _('User name'));
		o.rmempty = false;

		o = s.taboption('general', form.Value, 'password', _('Password'));
		o.password = true;
		o.rmempty = false;

		o = s.taboption('general', form.ListValue, 'mppe', _('Encryption'), _('PPTP protects against nobody who tries: put nothing through it that is not encrypted already'));
		o.value('', _('128 bits, required'));
		o.value('require', _('Required, 40 and 56 bits too'));
		o.value('allow', _('Clear text too'));
		o.value('off', _('None'));

		o = s.taboption('advanced', form.ListValue, 'auth', _('Authentication'));
		o.value('', 'MS-CHAPv2');
		o.value('eap', 'EAP-MSCHAPv2');
		o.value('mschapv2,chap-md5', 'MS-CHAPv2, CHAP');
		o.value('mschapv2,chap-md5,pap', 'MS-CHAPv2, CHAP, PAP');
		o.value('pap', 'PAP');
		o.validate = function(section_id, value) {
			const mppe = this.map.lookupOption('mppe', section_id);
			const mode = mppe ? mppe[0].formvalue(section_id) : '';
			if (/chap-md5|pap/.test(value || '') && mode != 'allow' && mode != 'off')
				return _('CHAP and PAP give no encryption keys: allow clear text too');
			return true;
		};

		o = s.taboption('advanced', form.ListValue, 'ipv6', _('IPv6 in the tunnel'), _('Link-local addresses'));
		o.value('', _('Disabled'));
		o.value('1', _('Enabled'));

		o = s.taboption('advanced', form.Value, '_keepalive_failures', _('LCP echo failure threshold'), _('How many echo requests without an answer end the tunnel; 0 sends none'));
		o.placeholder = fallback.failures;
		o.datatype = 'range(0, 1000)';
		o.cfgvalue = (section_id) => keepalive(section_id).failures;
		o.write = writeKeepalive;
		o.remove = writeKeepalive;

		o = s.taboption('advanced', form.Value, '_keepalive_interval', _('LCP echo interval'), _('Seconds of silence before an echo request'));
		o.placeholder = fallback.interval;
		o.datatype = 'min(1)';
		o.cfgvalue = (section_id) => keepalive(section_id).interval;
		o.write = writeKeepalive;
		o.remove = writeKeepalive;

		o = s.taboption('advanced', form.Flag, 'authfail', _('Stop when the login is refused'), _('Otherwise it is tried again every minute, and a server may lock the account'));

		o = s.taboption('advanced', form.Flag, 'persist', _('Reconnect without taking the interface down'));

		o = s.taboption('advanced', form.Value, 'holdoff', _('Pause before another attempt'), _('Seconds; left out, the pauses grow to a minute'));
		o.datatype = 'range(1, 86400)';

		o = s.taboption('advanced', form.Value, 'mtu', _('Override MTU'));
		o.placeholder = '1400';
		o.datatype = 'range(576, 1500)';

		o = s.taboption('advanced', form.ListValue, 'reorder_policy', _('Packets that overtake each other'));
		o.value('', _('Put back in order'));
		o.value('immediate', _('Pass as they come'));
		o.value('drop', _('Drop the late ones'));

		o = s.taboption('advanced', form.Flag, 'trace', _('Log control messages'));
	}
});
