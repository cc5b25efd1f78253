package secrets

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parse(t *testing.T, text string) *Table {
	t.Helper()
	table, err := Parse([]byte(text), "chap-secrets", nil)
	require.NoError(t, err)
	return table
}

func TestParseWords(t *testing.T) {
	for name, tc := range map[string]struct{ file, client, password string }{
		"plain":                        {"alice arc4 secret *\n", "alice", "secret"},
		"tabs and spaces":              {"\t alice\t\tarc4   secret\v*\f\n", "alice", "secret"},
		"no newline at the end":        {"alice arc4 secret", "alice", "secret"},
		"CRLF":                         {"alice arc4 secret *\r\nbob * x *\r\n", "alice", "secret"},
		"comment before":               {"# users\n\n  # more\nalice arc4 secret\n", "alice", "secret"},
		"comment after":                {"alice arc4 secret # \"old one\n", "alice", "secret"},
		"comment ends a word":          {"alice arc4 secret#comment\n", "alice", "secret"},
		"quoted hash":                  {"alice arc4 'a#b' *\n", "alice", "a#b"},
		"escaped hash":                 {`alice arc4 a\#b *`, "alice", "a#b"},
		"double quotes":                {`alice arc4 "correct horse" *`, "alice", "correct horse"},
		"single quotes":                {`alice arc4 'say "hi"' *`, "alice", `say "hi"`},
		"quotes within a word":         {`al"ic"e arc4 a'b c'd *`, "alice", "ab cd"},
		"other quote is plain":         {`alice arc4 "it's" *`, "alice", "it's"},
		"empty secret":                 {`alice arc4 "" *`, "alice", ""},
		"empty secret ends the file":   {`alice arc4 ''`, "alice", ""},
		"escaped space":                {`alice arc4 a\ b *`, "alice", "a b"},
		"escape in quotes":             {`alice arc4 "a\"b\\c" *`, "alice", `a"b\c`},
		"escape in single quotes":      {`alice arc4 'a\'b' *`, "alice", "a'b"},
		"C escapes":                    {`alice arc4 \a\b\f\n\r\s\t *`, "alice", "\a\b\f\n\r \t"},
		"octal":                        {`alice arc4 \101\60\0619 *`, "alice", "A0" + "19"},
		"hexadecimal":                  {`alice arc4 \x41\xfg\x4z *`, "alice", "A\x0fg\x04z"},
		"unknown escape is itself":     {`alice arc4 \q\- *`, "alice", "q-"},
		"domain user":                  {`OFFICE\\alice arc4 secret *`, `OFFICE\alice`, "secret"},
		"UTF-8":                        {"älice arc4 пароль€𝄞 *", "älice", "пароль€𝄞"},
		"line continued between words": {"alice \\\n  arc4 secret *\n", "alice", "secret"},
		"line continued within a word": {"alice arc4 sec\\\nret *\n", "alice", "secret"},
		"line continued within quotes": {"alice arc4 \"sec\\\nret\" *\n", "alice", "secret"},
		"newline within quotes":        {"alice arc4 \"a\nb\" *\n", "alice", "a\nb"},
		"at sign without slash":        {"alice arc4 @home *\n", "alice", "@home"},
		"longest secret":               {"alice arc4 " + strings.Repeat("x", 256), "alice", strings.Repeat("x", 256)},
	} {
		t.Run(name, func(t *testing.T) {
			s, ok := parse(t, tc.file).Lookup(tc.client, "arc4")
			require.True(t, ok)
			assert.Equal(t, tc.password, s.Password)
		})
	}
}

func TestParseEmpty(t *testing.T) {
	for _, text := range []string{"", "\n\n", "# nothing", "   \t", "\\\n"} {
		table := parse(t, text)
		assert.Zero(t, table.Len())
		_, ok := table.Lookup("", "")
		assert.False(t, ok)
	}
}

// Every malformed line says where it is and what helps, and none shows a password.
func TestParseMalformed(t *testing.T) {
	const password = "s3cr3tw0rd"
	for name, tc := range map[string]struct {
		file, want string
		line       int
	}{
		"one word":                   {"ok * x *\n\nalice\n", "1 word(s)", 3},
		"two words":                  {"alice " + password + "\n", "2 word(s)", 1},
		"open double quote":          {"ok * x *\nalice * \"" + password + " *\nbob * x *\n", "the quote \" is not closed", 2},
		"open single quote":          {"alice * '" + password, "the quote ' is not closed", 1},
		"backslash ends the file":    {"alice * " + password + "\\", "a backslash ends the file", 1},
		"word too long":              {"alice * " + strings.Repeat(password, 103), "longer than 1023 bytes", 1},
		"secret too long":            {"alice * " + strings.Repeat(password, 26), "260 bytes long", 1},
		"zero byte":                  {"alice * a\x00" + password, "zero byte", 1},
		"zero byte by escape":        {`alice * a\0` + password, "zero byte", 1},
		"byte order mark":            {"\xef\xbb\xbfalice * " + password, "byte order mark", 1},
		"secret without quotes":      {"x * y *\nalice * correct horse " + password, "word 4 is not an IPv4 address", 2},
		"a digit secret as well":     {"alice * 1234 5678", "word 4 is not an IPv4 address", 1},
		"host name":                  {"alice * " + password + " gateway.example", "names are not looked up", 1},
		"IPv6 address":               {"alice * " + password + " 2001:db8::1", "not an IPv4 address", 1},
		"octet too large":            {"alice * " + password + " 10.0.0.256", `"10.0.0.256" is not`, 1},
		"prefix of 33":               {"alice * " + password + " 10.0.0.0/33", `"10.0.0.0/33" has no prefix length`, 1},
		"prefix of 0":                {"alice * " + password + " 10.0.0.0/0", "1 to 32", 1},
		"prefix missing":             {"alice * " + password + " 10.0.0.0/", "1 to 32", 1},
		"unit number":                {"alice * " + password + " 10.0.0.0/24+", "unit number", 1},
		"negated wildcard":           {"alice * " + password + " !*", "is not an IPv4 address", 1},
		"second address":             {"alice * " + password + " 10.0.0.1 10.0.0.x", "word 5", 1},
		"indirect not possible":      {"alice * @/etc/secret", "in another file, /etc/secret", 1},
		"Latin-1":                    {"x * y *\nalice * " + password + "\xe4 *", "the secret is not UTF-8: save the file as UTF-8", 2},
		"Latin-1 by escape":          {`alice * ` + password + `\xe4 *`, "not UTF-8", 1},
		"Latin-1 of three users":     {"a * \xe4 *\nb * \xf6 *\nc * \xfc *", "not UTF-8", 1}, // all three are one password otherwise
		"a secret that is a comment": {"alice * #" + password, "a word with a # in it goes into quotes", 1},
		"after a quoted newline":     {"a * \"x\ny\" *\nb\n", "1 word(s)", 3},
		"after a continued line":     {"a * \\\n x *\nb\n", "1 word(s)", 3},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tc.file), "/etc/ppp/chap-secrets", nil)
			var parseErr *ParseError
			require.ErrorAs(t, err, &parseErr)
			assert.Equal(t, tc.line, parseErr.Line)
			assert.ErrorContains(t, err, fmt.Sprintf("/etc/ppp/chap-secrets line %d: ", tc.line))
			assert.ErrorContains(t, err, tc.want)
			assert.NotEmpty(t, parseErr.Remedy)
			for _, private := range []string{password, "horse", "5678"} {
				assert.NotContains(t, err.Error(), private)
			}
		})
	}
	_, err := Parse(make([]byte, maxFile+1), "big", nil)
	assert.ErrorContains(t, err, "big is 16777217 bytes long")
}

func TestLookupPicksTheBestMatch(t *testing.T) {
	table := parse(t, `
		*     *      1 *
		alice *      2 *
		*     arc4   3 *
		alice arc4   4 *
		alice arc4   5 *
		bob   *      6 *
		bob   *      7 *
		"*"   quoted 8 *
	`)
	for _, tc := range []struct{ client, server, want string }{
		{"alice", "arc4", "4"},  // both named, the first of two
		{"alice", "other", "2"}, // client named
		{"carol", "arc4", "3"},  // server named
		{"bob", "arc4", "3"},    // a named server beats a named client
		{"bob", "other", "6"},   // the first of equals
		{"carol", "other", "1"}, // both wild
		{"", "", "1"},
		{"*", "arc4", "3"},
		{"ALICE", "arc4", "3"},   // case matters
		{"carol", "quoted", "8"}, // quotes do not make a star plain, in pppd
	} {
		s, ok := table.Lookup(tc.client, tc.server)
		require.True(t, ok)
		assert.Equal(t, tc.want, s.Password, "%s on %s", tc.client, tc.server)
	}
	_, ok := parse(t, "alice arc4 x *").Lookup("alice", "other")
	assert.False(t, ok)
	_, ok = parse(t, "alice arc4 x *").Lookup("bob", "arc4")
	assert.False(t, ok)
}

func TestAddresses(t *testing.T) {
	for name, tc := range map[string]struct {
		column          string
		allowed, denied []string
		fixed           string
		any             bool
	}{
		"none":                 {"", nil, []string{"10.0.0.1"}, "", false},
		"dash":                 {"-", nil, []string{"10.0.0.1"}, "", false},
		"dash, then more":      {"- 10.0.0.1", nil, []string{"10.0.0.1"}, "", false},
		"star":                 {"*", []string{"10.0.0.1", "192.0.2.1", "::ffff:10.0.0.1"}, []string{"127.0.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "0.0.0.0", "2001:db8::1"}, "", true},
		"one":                  {"10.0.0.5", []string{"10.0.0.5"}, []string{"10.0.0.6"}, "10.0.0.5", true},
		"two":                  {"10.0.0.5 10.0.0.6", []string{"10.0.0.5", "10.0.0.6"}, []string{"10.0.0.7"}, "10.0.0.5", true},
		"one, then any":        {"10.0.0.5 *", []string{"10.0.0.5", "10.1.1.1"}, nil, "10.0.0.5", true},
		"network":              {"10.0.0.0/24", []string{"10.0.0.1", "10.0.0.255"}, []string{"10.0.1.0"}, "", true},
		"network by a host":    {"10.0.0.77/24", []string{"10.0.0.1"}, []string{"10.0.1.0"}, "", true},
		"network of one":       {"10.0.0.5/32", []string{"10.0.0.5"}, nil, "10.0.0.5", true},
		"all but one":          {"!10.0.0.1 *", []string{"10.0.0.2"}, []string{"10.0.0.1"}, "", true},
		"first match decides":  {"* !10.0.0.1", []string{"10.0.0.1"}, nil, "", true},
		"network without some": {"!10.0.0.0/28 10.0.0.0/24", []string{"10.0.0.16"}, []string{"10.0.0.15"}, "", true},
		"negation alone":       {"!10.0.0.1", nil, []string{"10.0.0.1", "10.0.0.2"}, "", false},
		"fixed but negated":    {"!10.0.0.5 10.0.0.5 10.0.0.6", []string{"10.0.0.6"}, []string{"10.0.0.5"}, "10.0.0.6", true},
		"loopback is no fixed": {"127.0.0.1", nil, []string{"127.0.0.1"}, "", true},
		"options":              {"10.0.0.5 -- debug 10.0.0.6", []string{"10.0.0.5"}, []string{"10.0.0.6"}, "10.0.0.5", true},
	} {
		t.Run(name, func(t *testing.T) {
			s, ok := parse(t, "alice * x "+tc.column).Lookup("alice", "")
			require.True(t, ok)
			for _, a := range tc.allowed {
				assert.True(t, s.Allowed(netip.MustParseAddr(a)), a)
			}
			for _, a := range tc.denied {
				assert.False(t, s.Allowed(netip.MustParseAddr(a)), a)
			}
			assert.False(t, s.Allowed(netip.Addr{}))
			fixed, ok := s.FixedAddr()
			assert.Equal(t, tc.fixed != "", ok)
			if ok {
				assert.Equal(t, tc.fixed, fixed.String())
			}
			assert.Equal(t, tc.any, s.AnyAllowed())
		})
	}
}

// Every line that may not do what was meant is named with its place and its user, and no warning
// shows a password.
func TestWarnings(t *testing.T) {
	const password = "s3cr3tw0rd"
	for name, tc := range map[string]struct{ file, want string }{
		"backslash":            {"alice * x *\nOFFICE\\bob * x *\n", `f:2: user "OFFICE\bob": the user name has a backslash before a letter or digit, which is an escape: write two for DOMAIN\\user`},
		"no address":           {"carol * " + password + "\n", `f:1: user "carol": no address column, which as in pppd allows this user no address: add * for any`},
		"options":              {"\ndave * " + password + " * -- mtu 1400\n", `f:2: user "dave": the pppd options after -- have no effect here`},
		"empty secret":         {"erin * \"\" *\n", `f:1: user "erin": the secret is empty: whoever knows the user's name can log in with it`},
		"secret with a hash":   {"frank * pa#" + password + "\n", `f:1: user "frank": the secret ends before a #, which begins a comment as in pppd: if it belongs to the secret, put all of it into quotes|f:1: user "frank": no address`},
		"hash and addresses":   {"frank * pa#" + password + " *\n", `f:1: user "frank": the secret ends before a #|no address`},
		"hash at the end":      {"frank * " + password + "# *\n", `f:1: user "frank": the secret ends before a #|no address`},
		"server with a hash":   {"frank * x *\nfrank vpn#1 x *\n", "line 2: 2 word(s)"},
		"a comment":            {"frank * x * # old: " + password + "\n", ""},
		"a comment at once":    {"frank * x 10.0.0.1#office\n", ""},
		"a hash in quotes":     {`frank * "pa#ss" *`, ""},
		"an escaped hash":      {`frank * pa\#ss *`, ""},
		"no user":              {"# nobody yet\n", `f: has no user, so that nobody can log in: write lines CLIENT SERVER SECRET ADDRESSES`},
		"nothing at all":       {"", `f: has no user`},
		"twice":                {"alice * x *\nbob * x *\nalice * " + password + " *\n", `f:3: user "alice": the same user and server stand in line 1, and that line counts: remove one of them`},
		"twice, other servers": {"alice one x *\nalice two x *\nalice * x *\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			table, err := Parse([]byte(tc.file), fileIs+"f", nil)
			if err != nil {
				assert.ErrorContains(t, err, tc.want)
				return
			}
			var got []string
			for _, w := range table.Warnings() {
				got = append(got, w.String())
				assert.NotContains(t, fmt.Sprint(w.Attrs()...), password)
			}
			text := strings.Join(got, "|")
			assert.NotContains(t, text, password)
			if tc.want == "" {
				assert.Empty(t, text)
				return
			}
			for _, want := range strings.Split(tc.want, "|") {
				assert.Contains(t, text, want)
			}
		})
	}
	assert.Len(t, parse(t, strings.Repeat("a * b\n", 100)).Warnings(), maxWarnings)
}

func TestEachAndServersOf(t *testing.T) {
	table := parse(t, "alice one x *\n* * y *\nbob * z *\nalice two x *\n")
	var lines []int
	table.Each(func(s Secret) { lines = append(lines, s.Line) })
	assert.Equal(t, []int{1, 2, 3, 4}, lines)
	assert.Equal(t, []string{"one", "two"}, table.ServersOf("alice"))
	assert.Empty(t, table.ServersOf("carol"))
}

func TestPasswordIsNeverPrinted(t *testing.T) {
	const password = "s3cr3tw0rd"
	table := parse(t, "alice * "+password+" *")
	s, _ := table.Lookup("alice", "")
	holder := struct {
		S Secret
		P *Secret
	}{s, &s}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("user", "secret", s, "table", table)
	encoded, err := json.Marshal(holder)
	require.NoError(t, err)
	for _, text := range []string{
		fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s), fmt.Sprintf("%+v %#v", holder, holder),
		fmt.Sprintf("%v %+v %#v", table, table, table), logged.String(), string(encoded),
	} {
		assert.NotContains(t, text, password)
		assert.NotContains(t, text, "73336372", "nor in hexadecimal")
	}
	assert.Equal(t, password, s.Password)
}

func TestIndirectSecret(t *testing.T) {
	read := func(path string) (string, error) {
		if path == "/etc/arc4/alice" {
			return "from the file", nil
		}
		return "", errors.New("no " + path)
	}
	table, err := Parse([]byte("alice * @/etc/arc4/alice *"), "f", read)
	require.NoError(t, err)
	s, _ := table.Lookup("alice", "x")
	assert.Equal(t, "from the file", s.Password)
	_, err = Parse([]byte("\nbob * @/etc/arc4/bob *"), "f", read)
	assert.EqualError(t, err, "f line 2: no /etc/arc4/bob")
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"alice arc4 secret *\n", `OFFICE\\bob * "a b" 10.0.0.0/24 !10.0.0.1 -- x`, "a\\\nb * c\\", "'", "\xef\xbb\xbf",
		`x * \x4\101\0 -`, "a * b 10.0.0.5/32+", "* * @/x *", "#", "a * \"\n\n\" 1.2.3.4",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := Parse(data, "f", func(string) (string, error) { return "indirect", nil })
		if err != nil {
			var parseErr *ParseError
			require.ErrorAs(t, err, &parseErr)
			require.LessOrEqual(t, parseErr.Line, strings.Count(string(data), "\n")+1)
			require.GreaterOrEqual(t, parseErr.Line, 1)
			return
		}
		// Written again with every byte escaped, each secret reads the same.
		var again strings.Builder
		total := 0
		for _, list := range table.byClient {
			for _, s := range list {
				total++
				require.LessOrEqual(t, len(s.Password), maxSecret)
				for _, w := range []string{s.Client, s.Server, s.Password} {
					again.WriteByte('"')
					for _, b := range []byte(w) {
						fmt.Fprintf(&again, `\%03o`, b)
					}
					again.WriteString(`" `)
				}
				again.WriteByte('\n')
			}
		}
		require.Equal(t, table.Len(), total)
		second, err := Parse([]byte(again.String()), "again", func(string) (string, error) { return "indirect", nil })
		require.NoError(t, err)
		require.Equal(t, table.Len(), second.Len())
		for client, list := range table.byClient {
			for i, s := range list {
				require.Equal(t, s.Password, second.byClient[client][i].Password)
				require.Equal(t, s.Server, second.byClient[client][i].Server)
			}
		}
	})
}
