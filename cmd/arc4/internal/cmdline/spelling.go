package cmdline

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// formerNames are flags that had another name, or have one in pppd, which works too.
var formerNames = map[string]pflag.NormalizedName{
	"socket":  "status-socket",
	"holdoff": "hold-off",
}

// CurrentFlagName is a flag's name, whatever it was called.
func CurrentFlagName(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if now, former := formerNames[name]; former {
		return now
	}
	return pflag.NormalizedName(name)
}

// opensslOnly are flags of openssl speed for which there is nothing here, and what to do instead.
var opensslOnly = map[string]string{
	"decrypt":       "RC4 deciphers by enciphering: leave it out",
	"hmac":          "no HMAC is measured here: leave it out",
	"cmac":          "no CMAC is measured here: leave it out",
	"aead":          "RC4 has no such mode: leave it out",
	"mb":            "RC4 has no such mode; packets side by side are --workload packets",
	"async_jobs":    "several threads at once are --multi",
	"engine":        "OpenSSL's own RC4 is the name libcrypto",
	"provider":      "OpenSSL's own RC4 is the name libcrypto",
	"provider-path": "OpenSSL's own RC4 is the name libcrypto",
	"propquery":     "OpenSSL's own RC4 is the name libcrypto",
	"primes":        "no RSA is measured here: leave it out",
	"misalign":      "buffers are aligned as Go allocates them: leave it out",
	"rand":          "keys are random as it is: leave it out",
	"writerand":     "keys are random as it is: leave it out",
}

// OpensslSpelling turns the arguments of speed that are spelt as openssl has them into this
// program's: one dash before a long flag, and names behind -evp. What only openssl has is an error.
// Arguments of other commands stay as they are.
func OpensslSpelling(root *cobra.Command, args []string) ([]string, error) {
	cmd, _, err := root.Find(args)
	if err != nil || !strings.HasPrefix(clidoc.CommandName(cmd), "speed") {
		return args, nil
	}
	var out []string
	named := false // the argument before was -evp
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...), nil
		}
		long, dash := strings.CutPrefix(arg, "-")
		name, value, hasValue := strings.Cut(long, "=")
		switch {
		case !dash || len(name) < 2 || name[0] == '-':
			if named {
				arg = strings.ToLower(arg)
			}
		case name == "evp":
			if !hasValue && i+1 == len(args) {
				return nil, exit.Usagef("-evp: give the name behind it, such as -evp rc4")
			}
			if named = !hasValue; named {
				continue
			}
			arg = strings.ToLower(value)
		case opensslOnly[name] != "":
			return nil, exit.Usagef("-%s: %s", name, opensslOnly[name])
		case cmd.Flag(name) != nil:
			arg = "-" + arg
		}
		out, named = append(out, arg), false
	}
	return out, nil
}

// oneDash says which flag was meant by a long name behind one dash; empty if none.
func oneDash(cmd *cobra.Command, cluster string) string {
	name, _, _ := strings.Cut(cluster, "=")
	if f := cmd.Flag(name); f != nil && len(name) > 1 {
		return f.Name
	}
	return ""
}
