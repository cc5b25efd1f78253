'use strict';
// A double of what LuCI gives a protocol page: translations, uci, network, and form, whose fields are
// elements of this document. A field is read from its element and checked as LuCI does it: what is empty
// is removed, what has changed is written, what is wrong is reported, and then nothing is saved.

const _ = (text) => text;
String.prototype.format = function(...args) {
	return this.replace(/%[ds]/g, () => String(args.shift()));
};
const L = { hasSystemFeature: () => true };

class UCI {
	constructor(options) {
		this.options = options;
	}
	get(config, section, name) {
		return this.options[name];
	}
	set(config, section, name, value) {
		this.options[name] = value;
	}
	unset(config, section, name) {
		delete this.options[name];
	}
}

class Option {
	constructor(section, tab, name, title, description) {
		Object.assign(this, { section, map: section.map, tab, option: name, title, description, rmempty: true, choices: [], datatype: '' });
	}
	value(value, text) {
		this.choices.push([value, text || value]);
	}
	cfgvalue(section_id) {
		return this.map.uci.get('network', section_id, this.ucioption || this.option);
	}
	write(section_id, value) {
		this.map.uci.set('network', section_id, this.ucioption || this.option, value);
	}
	remove(section_id) {
		this.map.uci.unset('network', section_id, this.ucioption || this.option);
	}
	element(section_id) {
		return document.getElementById(this.option);
	}
	formvalue(section_id) {
		return this.element(section_id).value;
	}
	show(section_id, element) {
		element.id = this.option;
		const label = document.createElement('label');
		label.append(this.title, element);
		document.getElementById(this.tab).append(label);
	}
	// problem is what LuCI would show beside the field, or null.
	problem(section_id) {
		const value = this.formvalue(section_id);
		if (!value)
			return this.rmempty ? null : 'required';
		const range = /^(?:range|min)\((\d+)(?:, *(\d+))?\)$/.exec(this.datatype);
		if (range && (!/^\d+$/.test(value) || +value < +range[1] || (range[2] && +value > +range[2])))
			return this.datatype;
		return null;
	}
	checked(section_id) {
		const problem = this.problem(section_id);
		if (problem || !this.validate)
			return problem;
		const verdict = this.validate(section_id, this.formvalue(section_id));
		return verdict === true ? null : verdict;
	}
	save(section_id) {
		const value = this.formvalue(section_id), before = this.cfgvalue(section_id);
		if (value === '' || value == null) {
			if (before != null)
				this.remove(section_id);
		} else if (value !== before)
			this.write(section_id, value);
	}
}

class Value extends Option {
	render(section_id) {
		const input = document.createElement('input');
		input.type = this.password ? 'password' : 'text';
		input.placeholder = this.placeholder || '';
		input.value = this.cfgvalue(section_id) ?? '';
		this.show(section_id, input);
	}
}

class ListValue extends Option {
	render(section_id) {
		const select = document.createElement('select');
		for (const [value, text] of this.choices)
			select.add(new Option_(text, value));
		select.value = this.cfgvalue(section_id) ?? this.default ?? '';
		this.show(section_id, select);
	}
}
const Option_ = window.Option;

class Flag extends Option {
	render(section_id) {
		const input = document.createElement('input');
		input.type = 'checkbox';
		input.checked = this.cfgvalue(section_id) == '1';
		this.show(section_id, input);
	}
	formvalue(section_id) {
		return this.element(section_id).checked ? '1' : '';
	}
}

const form = { Value, ListValue, Flag };

class Section {
	constructor(map) {
		this.map = map;
		this.options = [];
	}
	taboption(tab, type, ...args) {
		const option = new type(this, tab, ...args);
		this.options.push(option);
		return option;
	}
}

// play opens the page for an interface, types, saves, and gives what became of it.
function play(source, scene) {
	document.body.innerHTML = '<div id="general"></div><div id="advanced"></div>';
	const uci = new UCI({ ...scene.before });
	const told = { patterns: [], errors: {}, protocol: null };
	const network = {
		registerPatternVirtual: (pattern) => told.patterns.push(pattern.source),
		registerErrorCode: (code, text) => told.errors[code] = text,
		registerProtocol: (name, methods) => {
			told.name = name;
			return told.protocol = methods;
		},
		getIfnameOf: (device) => device,
	};
	const modules = { form, network, uci };
	const names = [...source.matchAll(/^'require (\w+)';$/gm)].map((m) => m[1]);
	new Function('_', 'L', ...names, source)(_, L, ...names.map((name) => modules[name]));

	const map = { uci, lookupOption: (name) => {
		const option = section.options.find((o) => o.option == name);
		return option ? [option, 'vpn'] : null;
	} };
	const section = new Section(map);
	const protocol = Object.assign(Object.create({ sid: 'vpn', _ubus: () => null }), told.protocol);
	protocol.renderFormOptions(section);
	for (const option of section.options)
		option.render('vpn');

	const shown = {};
	for (const option of section.options)
		shown[option.option] = option.formvalue('vpn');
	for (const [id, value] of Object.entries(scene.typed || {})) {
		const element = document.getElementById(id);
		if (element.type == 'checkbox')
			element.checked = value == '1';
		else
			element.value = value;
	}
	const problems = {};
	for (const option of section.options) {
		const problem = option.checked('vpn');
		if (problem)
			problems[option.option] = problem;
	}
	if (!Object.keys(problems).length)
		for (const option of section.options)
			option.save('vpn');
	return {
		name: told.name, patterns: told.patterns, codes: Object.keys(told.errors).sort(), ifname: protocol.getIfname(), package: protocol.getPackageName(),
		floating: protocol.isFloating(), virtual: protocol.isVirtual(), contains: protocol.containsDevice('arc4-vpn') && !protocol.containsDevice('eth0'),
		secret: [...document.querySelectorAll('input[type=password]')].map((e) => e.id),
		labels: document.querySelectorAll('label').length, options: section.options.map((o) => o.option), choices: Object.fromEntries(section.options.filter((o) => o.choices.length).map((o) => [o.option, o.choices.map((c) => c[0])])),
		shown, problems, after: uci.options,
	};
}
