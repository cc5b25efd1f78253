package foreign

import "strings"

// pppdOption is an option of pppd(8).
type pppdOption struct {
	value bool // it has one
	take  func(p *pppd, w word, value string)
}

// pppdOptions are the options that say something about a tunnel, and those that are known to say
// nothing: of unknown ones nobody knows whether a value follows.
var pppdOptions = map[string]pppdOption{
	"pty":         {true, func(p *pppd, w word, v string) { p.pty(w, v) }},
	"pptp_server": {true, text(keyServer)}, // of the plugin pptp.so
	"name": {true, func(p *pppd, w word, v string) {
		if !p.named {
			text("user")(p, w, v)
		}
	}},
	"user":           {true, func(p *pppd, w word, v string) { p.named = true; text("user")(p, w, v) }},
	"password":       {true, text(keyPassword)},
	"remotename":     {true, func(p *pppd, _ word, v string) { p.remote = v }},
	"ipparam":        {true, func(p *pppd, w word, v string) { p.param = word{v, w.line} }},
	"ifname":         {true, text("tun")},
	"unit":           {true, func(p *pppd, w word, v string) { p.set(w.line, "tun", "ppp"+v) }},
	"mtu":            {true, func(p *pppd, w word, v string) { p.setMTU(w.line, "mtu", v) }},
	"persist":        {false, flag("reconnect", true)},
	"nopersist":      {false, flag("reconnect", false)},
	"maxfail":        {true, func(p *pppd, w word, v string) { p.setMaxFail(w.line, v) }},
	"holdoff":        {true, func(p *pppd, w word, v string) { p.setHoldOff(w.line, v) }},
	"idle":           {true, func(p *pppd, w word, v string) { p.setIdle(w.line, v) }},
	"demand":         {false, flag("on-demand", true)},
	"defaultroute":   {false, flag("default-route", true)},
	"nodefaultroute": {false, func(p *pppd, _ word, _ string) { p.unset("default-route") }},
	// arc4's leaves the other one in place, and comes first.
	"replacedefaultroute": {false, flag("default-route", true)},
	"defaultroute-metric": {true, func(p *pppd, w word, v string) { p.setMetric(w.line, v) }},
	"usepeerdns":          {false, func(p *pppd, _ word, _ string) { p.dns = true }},
	"+ipv6":               {false, flag("ipv6", true)},
	"ipv6": {true, func(p *pppd, w word, v string) {
		p.set(w.line, "ipv6", true)
		p.note(w.line, "ipv6 %s: the interface's identifiers are negotiated", v)
	}},
	"ipv6cp-use-ipaddr":    {false, flag("ipv6", true)},
	"noipv6":               {false, func(p *pppd, _ word, _ string) { p.unset("ipv6") }},
	"-ipv6":                {false, func(p *pppd, _ word, _ string) { p.unset("ipv6") }},
	"lcp-echo-interval":    {true, func(p *pppd, w word, v string) { p.echo.interval, p.echoAt = v, w.line }},
	"lcp-echo-failure":     {true, func(p *pppd, w word, v string) { p.echo.failures, p.echoAt = v, w.line }},
	"ip-pre-up-script":     {true, text("ip-pre-up")},
	"ip-up-script":         {true, text("ip-up")},
	"ip-down-script":       {true, text("ip-down")},
	"ipv6-up-script":       {true, text("ipv6-up")},
	"ipv6-down-script":     {true, text("ipv6-down")},
	"require-mppe":         {false, mppe(func(l *login) { l.required, l.off = true, false })},
	"require-mppe-128":     {false, mppe(func(l *login) { l.required, l.off, l.weak = true, false, false })},
	"require-mppe-40":      {false, mppe(func(l *login) { l.required, l.off, l.weak = true, false, true })},
	"require-mppe-56":      {false, mppe(func(l *login) { l.required, l.off, l.weak = true, false, true })},
	"nomppe":               {false, mppe(func(l *login) { l.required, l.off = false, true })},
	"nomppe-128":           {false, mppe(func(l *login) { l.weak = true })},
	"mppe-stateful":        {false, mppe(func(l *login) { l.stateful = true })},
	"nomppe-stateful":      {false, mppe(func(l *login) { l.stateful = false })},
	"mppe":                 {true, mppeList}, // before pppd 2.4.2, and OpenWrt's
	"refuse-mschap-v2":     {false, refuse("mschapv2")},
	"-chapms-v2":           {false, refuse("mschapv2")},
	"refuse-eap":           {false, refuse("eap")},
	"refuse-chap":          {false, refuse("chap-md5")},
	"-chap":                {false, refuse("chap-md5")},
	"refuse-pap":           {false, refuse("pap")},
	"-pap":                 {false, refuse("pap")},
	"file":                 {true, nil}, // by read
	"call":                 {true, nil},
	"mru":                  {true, why("arc4 takes packets of any length it is sent")},
	"netmask":              {true, why("the address is a host's")},
	"maxconnect":           {true, why("arc4 ends no tunnel for its age")},
	"connect":              {true, why("there is no terminal")},
	"disconnect":           {true, why("there is no terminal")},
	"init":                 {true, why("there is no terminal")},
	"welcome":              {true, why("there is no terminal")},
	"proxyarp":             {false, why("a client answers for nobody")},
	"ms-dns":               {true, why("it is a server's")},
	"ms-wins":              {true, why("it is a server's")},
	"auth":                 {false, why("MS-CHAPv2 proves the server's identity in itself, and the server is asked for no other login")},
	"require-chap":         {false, why("the server is asked for no login")},
	"require-pap":          {false, why("the server is asked for no login")},
	"require-eap":          {false, why("EAP-MSCHAPv2 proves the server's identity in itself, and the server is asked for no other login")},
	"require-mschap":       {false, why("the server is asked for no login")},
	"require-mschap-v2":    {false, why("MS-CHAPv2 proves the server's identity in itself, and the server is asked for no other login")},
	"plugin":               {true, plugin},
	"multilink":            {false, why("arc4 has one link")},
	"pass-filter":          {true, why("filter with nftables")},
	"active-filter":        {true, why("every packet counts for --idle-timeout")},
	"noip":                 {false, why("a tunnel carries IPv4")},
	"noccp":                {false, why("encryption takes CCP")},
	"auth-up":              {true, why("arc4 does not run it")},
	"auth-down":            {true, why("arc4 does not run it")},
	"refuse-mschap":        {false, nothing},
	"linkname":             {true, nothing},
	"pptp_client":          {true, nothing},
	"lcp-echo-adaptive":    {false, nothing}, // so it is anyway
	"noauth":               {false, nothing},
	"noipdefault":          {false, nothing},
	"nomppe-40":            {false, nothing},
	"nomppe-56":            {false, nothing},
	"ipcp-accept-local":    {false, nothing},
	"ipcp-accept-remote":   {false, nothing},
	"ipv6cp-accept-local":  {false, nothing},
	"ipv6cp-accept-remote": {false, nothing},
}

// What says nothing about a tunnel of arc4: how pppd runs and logs, compressions that arc4 does not
// have, options of terminals, and times of negotiations.
const (
	pppdSilent = `lock nolock nodetach updetach detach debug nodebug dump dryrun hide-password show-password nolog sync modem local
		crtscts nocrtscts xonxoff cdtrcts silent passive noproxyarp nobsdcomp nodeflate nopredictor1 noaccomp nopcomp novj novjccomp
		noccp-restart default-asyncmap -am nomagic noendpoint nomultilink nomp nodefaultroute6 noreplacedefaultroute ktune noktune
		nousepeerdns noipx usehostname login`
	pppdSilentValues = `asyncmap escape bsdcomp deflate vj-max-slots kdebug logfile logfd record domain privgroup connect-delay endpoint
		lcp-max-configure lcp-max-failure lcp-max-terminate lcp-restart ipcp-max-configure ipcp-max-failure ipcp-max-terminate
		ipcp-restart ipv6cp-max-configure ipv6cp-max-failure ipv6cp-max-terminate ipv6cp-restart ccp-max-configure ccp-max-failure
		ccp-max-terminate ccp-restart chap-interval chap-max-challenge chap-restart chap-timeout pap-max-authreq pap-restart
		pap-timeout eap-restart eap-timeout eap-max-sreq set unset child-timeout`
)

func init() {
	for _, name := range strings.Fields(pppdSilent) {
		pppdOptions[name] = pppdOption{false, nothing}
	}
	for _, name := range strings.Fields(pppdSilentValues) {
		pppdOptions[name] = pppdOption{true, nothing}
	}
}

func nothing(*pppd, word, string) {}

func text(key string) func(*pppd, word, string) {
	return func(p *pppd, w word, value string) {
		if value != "" {
			p.set(w.line, key, value)
		}
	}
}

func flag(key string, value bool) func(*pppd, word, string) {
	return func(p *pppd, w word, _ string) { p.set(w.line, key, value) }
}

func mppe(change func(*login)) func(*pppd, word, string) {
	return func(p *pppd, w word, _ string) {
		p.login.line = w.line
		change(&p.login)
	}
}

func refuse(method string) func(*pppd, word, string) {
	return func(p *pppd, w word, _ string) {
		p.login.line = w.line
		p.login.refused[method] = true
	}
}

// why notes that an option has no counterpart.
func why(reason string) func(*pppd, word, string) {
	return func(p *pppd, w word, value string) {
		what := w.text
		if value != "" {
			what += " " + value
		}
		p.note(w.line, "%s: %s", what, reason)
	}
}

// plugin notes one, but for that which is the PPTP client.
func plugin(p *pppd, w word, value string) {
	if value != "pptp.so" && !strings.HasSuffix(value, "/pptp.so") {
		p.note(w.line, "plugin %s: arc4 loads none", value)
	}
}

// mppeList takes a list such as required,no40,no56,stateless.
func mppeList(p *pppd, w word, value string) {
	l := &p.login
	l.line, l.weak = w.line, true
	for item := range strings.SplitSeq(value, ",") {
		switch item {
		case "required":
			l.required = true
		case "no40", "no56":
			l.weak = false
		case "stateful":
			l.stateful = true
		case "optional", "stateless", "no128", "":
		default:
			p.note(w.line, "mppe %s: not known here", item)
		}
	}
}
