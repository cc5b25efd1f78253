package settings

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// flagsOf are one flag of each kind.
func flagsOf() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	mode := "order"
	flags.Bool("default-route", false, "")
	flags.Int("mtu", 1400, "")
	flags.Duration("echo-interval", time.Minute, "")
	flags.String("user", "", "")
	flags.StringSlice("auth", []string{"mschapv2"}, "")
	flags.StringArray("route", nil, "")
	flags.Var(cmdline.NewChoice(&mode, "order", "drop"), "policy", "")
	flags.String("backend", "auto", "")
	flags.Bool("help", false, "")
	return flags
}

// valueOf is a flag's value as text.
func valueOf(flags *pflag.FlagSet, name string) string {
	f := flags.Lookup(name)
	return fmt.Sprintf("%s %t", f.Value, f.Changed)
}

func TestSet(t *testing.T) {
	one := func(kind Kind, item string) Value { return Value{Items: []string{item}, Kind: kind} }
	list := func(items ...string) Value { return Value{Items: items, List: true} }
	for name, c := range map[string]struct {
		flag  string
		value Value
		want  string // or the error
	}{
		"a switch":                     {"default-route", one(Bool, "true"), "true true"},
		"a switch as text":             {"default-route", one(Text, "true"), "true true"},
		"a switch as number":           {"default-route", one(Number, "1"), "a.toml:3: default-route = 1: must be true or false"},
		"a switch as another text":     {"default-route", one(Text, "yes"), `a.toml:3: default-route = "yes": must be true or false`},
		"a number":                     {"mtu", one(Number, "1300"), "1300 true"},
		"a number as text":             {"mtu", one(Text, "1300"), "1300 true"},
		"a number with a mistake":      {"mtu", one(Text, "13oo"), `a.toml:3: mtu = "13oo": must be a whole number`},
		"a number as switch":           {"mtu", one(Bool, "true"), "a.toml:3: mtu = true: must be a whole number"},
		"a fraction for a number":      {"mtu", one(Number, "1.5"), `a.toml:3: mtu = "1.5": must be a whole number`},
		"a list for a number":          {"mtu", list("1", "2"), "a.toml:3: mtu = [1, 2]: must be one value, no list"},
		"seconds":                      {"echo-interval", one(Number, "30"), "30s true"},
		"a fraction of seconds":        {"echo-interval", one(Number, "0.333"), "333ms true"},
		"a length of time":             {"echo-interval", one(Text, "2m"), "2m0s true"},
		"a length of time, no unit":    {"echo-interval", one(Text, "2"), `a.toml:3: echo-interval = "2": must be a length of time with its unit, such as 500ms, 30s or 2m`},
		"a length of time out of all":  {"echo-interval", one(Number, "1e300"), `a.toml:3: echo-interval = 1e300: must be a number of seconds, or a text such as "500ms", "30s" or "2m"`},
		"a length of time as switch":   {"echo-interval", one(Bool, "false"), `a.toml:3: echo-interval = false: must be a number of seconds, or a text such as "500ms", "30s" or "2m"`},
		"a text":                       {"user", one(Text, `OFFICE\alice`), `OFFICE\alice true`},
		"a text of digits":             {"user", one(Number, "1234"), "1234 true"},
		"a text as switch":             {"user", one(Bool, "true"), "a.toml:3: user = true: must be a text in quotation marks"},
		"a word":                       {"policy", one(Text, "drop"), "drop true"},
		"another word":                 {"policy", one(Text, "keep"), `a.toml:3: policy = "keep": give one of order, drop`},
		"a list":                       {"auth", list("pap", "chap-md5"), "[pap,chap-md5] true"},
		"a list in a text":             {"auth", one(Text, "pap, chap-md5"), "[pap,chap-md5] true"},
		"an empty list":                {"auth", list(), "[] true"},
		"routes":                       {"route", list("10.0.0.0/8", "192.0.2.0/24"), "[10.0.0.0/8,192.0.2.0/24] true"},
		"routes in a text":             {"route", one(Text, "10.0.0.0/8,192.0.2.0/24"), "[10.0.0.0/8,192.0.2.0/24] true"},
		"a switch where a list is due": {"route", one(Bool, "true"), "a.toml:3: route = true: must be a text in quotation marks, or a list of such"},
	} {
		t.Run(name, func(t *testing.T) {
			flags, s := flagsOf(), new(Settings)
			err := s.Set(flags, c.flag, c.value, Origin{File: "a.toml", Line: 3})
			if err != nil {
				assert.EqualError(t, err, c.want)
				assert.Equal(t, exit.Usage, exit.CodeOf(err))
				return
			}
			assert.Equal(t, c.want, valueOf(flags, c.flag))
			o, known := s.Origin(c.flag)
			assert.True(t, known)
			assert.Equal(t, "a.toml:3", o.String())
		})
	}
}

// A flag comes before the environment, and that before a file.
func TestPrecedence(t *testing.T) {
	environment := map[string]string{"ARC4_MTU": "1000", "ARC4_USER": "env", "ARC4_POLICY": "", "ARC4_BACKEND": "u32", "ARC4_HELP": "true", "ARC4_ROUTE": "10.0.0.0/8,10.1.0.0/16"}
	lookup := func(name string) (string, bool) { v, ok := environment[name]; return v, ok }
	flags, s := flagsOf(), new(Settings)
	require.NoError(t, flags.Parse([]string{"--mtu", "900"}))
	require.NoError(t, s.Environment(flags, lookup, "backend"))
	for name, value := range map[string]string{"mtu": "800", "user": "file", "policy": "drop", "backend": "unrolled", "auth": "pap", "route": "::/0"} {
		require.NoError(t, s.Set(flags, name, Value{Items: []string{value}}, Origin{File: "f", Line: 1}))
	}
	for name, want := range map[string]string{
		"mtu": "900 true", "user": "env true", "policy": "drop true", "auth": "[pap] true", "route": "[10.0.0.0/8,10.1.0.0/16] true",
		"backend": "auto false", // whoever reads the variable finds it
		"help":    "false false",
	} {
		assert.Equal(t, want, valueOf(flags, name), name)
	}
	o, _ := s.Origin("user")
	assert.Equal(t, "ARC4_USER", o.String())
	_, known := s.Origin("mtu")
	assert.False(t, known, "it stands on the command line")
}

func TestEnvironmentMistake(t *testing.T) {
	for variable, c := range map[string]struct{ value, want string }{
		"ARC4_MTU":           {"many", `ARC4_MTU="many": must be a whole number`},
		"ARC4_DEFAULT_ROUTE": {"yes", `ARC4_DEFAULT_ROUTE="yes": must be true or false`},
		"ARC4_ECHO_INTERVAL": {"30", `ARC4_ECHO_INTERVAL="30": must be a length of time with its unit, such as 500ms, 30s or 2m`},
		"ARC4_POLICY":        {"keep", `ARC4_POLICY="keep": give one of order, drop`},
	} {
		err := new(Settings).Environment(flagsOf(), func(name string) (string, bool) { return c.value, name == variable })
		require.EqualError(t, err, c.want)
		assert.Equal(t, exit.Usage, exit.CodeOf(err))
	}
}

// What a command finds wrong later is told with the place, too.
func TestExplain(t *testing.T) {
	flags, s := flagsOf(), new(Settings)
	require.NoError(t, s.Set(flags, "mtu", Value{Items: []string{"9"}}, Origin{File: "/etc/arc4/a.toml", Line: 7}))
	require.NoError(t, s.Set(flags, "route", Value{Items: []string{"::/0"}}, Origin{File: "/etc/arc4/a.toml", Line: 8}))
	require.NoError(t, s.Set(flags, "user", Value{Items: []string{"x"}}, Origin{Variable: "ARC4_USER"}))
	for said, want := range map[string]string{
		"--mtu 9: must be 576 to 1500":          "/etc/arc4/a.toml:7: mtu 9: must be 576 to 1500",
		"--route ::/0 needs --ipv6":             "/etc/arc4/a.toml:8: route ::/0 needs --ipv6",
		"--user: the name is too long":          "ARC4_USER: the name is too long",
		"--echo-interval 5s: must be --mtu":     "/etc/arc4/a.toml:7: --echo-interval 5s: must be mtu",
		"--mtu-of-another: out of range":        "--mtu-of-another: out of range",
		"no user: give USER@SERVER or a --name": "no user: give USER@SERVER or a --name",
	} {
		err := s.Explain(exit.Usagef("%s", said))
		assert.EqualError(t, err, want)
		assert.Equal(t, exit.Usage, exit.CodeOf(err))
	}
	other := exit.With(exit.Network, errors.New("--mtu of the peer"))
	assert.Equal(t, other, s.Explain(other), "no mistake in a value")
	assert.NoError(t, s.Explain(nil))
}

func TestStrays(t *testing.T) {
	read := []string{"ARC4_DEFAULT_ROUTE", "ARC4_MTU", "ARC4_PASSWORD", "ARC4_PASSWORD_FILE", "ARC4_SERVER", "ARC4_PROFILE"}
	assert.Equal(t, []Stray{{"ARC4_DEFUALT_ROUTE", "ARC4_DEFAULT_ROUTE"}, {"ARC4_PASSWROD", "ARC4_PASSWORD"}},
		Strays([]string{
			"ARC4_DEFUALT_ROUTE=true", "ARC4_MTU=1400", "ARC4_PASSWROD=x", "PATH=/bin", "ARC4_PORT=tcp://10.0.0.1:1723",
			"ARC4_SERVICE_HOST=10.0.0.1", "ARC4_PORT_1723_TCP=tcp://10.0.0.1:1723", "ARC4_=", "ARC5_MTU=1",
		}, read))
}
