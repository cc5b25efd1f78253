//go:build !noprofiles

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
)

const profileIntro = `A profile keeps the flags of arc4 connect in a file, so that a name is enough: arc4 up office, or arc4 connect --profile
office in the foreground. It is TOML without sections:

` + profileExample + `

The keys are the names of the flags, without the dashes. server is connect's argument, and password the password itself.
What is yes or no is true or false; what can be given several times is a list, or one text with commas; a length of
time is a text with its unit ("333ms") or a number of seconds; a path that does not begin with / begins where the file
lies. reconnect is true unless the file says otherwise. A key that is unknown, or twice in the file, is a mistake.

NAME is 1 to 15 of a-z, A-Z, 0-9 and _=+.-, and its file the first of these that is there; with a / in it, it is the
file's path instead:

    $XDG_CONFIG_HOME/arc4/NAME.toml  of this user alone; ~/.config/arc4/NAME.toml without that variable
    /etc/arc4/NAME.toml              of the machine; here arc4@NAME.service finds it too

A value comes from the command line, else from the environment (ARC4_MTU for mtu, ARC4_SERVER, ARC4_PASSWORD or
ARC4_PASSWORD_FILE), else from the file, else it is the default. Nobody but the owner may change the file, and if there
is a password in it, read it: chmod 600 FILE. "arc4 connect ... --save NAME" writes one out of what worked.

The file of arc4 serve --config follows the same rules, without server, password and reconnect.`

// profileExample is a profile that most can begin with.
const profileExample = `    server = "vpn.example.net"
    user = 'OFFICE\alice'
    password-file = "office.password"            # or password = "...", in a file of mode 600
    route = ["10.0.0.0/8", "192.168.0.0/16"]     # or default-route = true`

// newProfileTopic is `arc4 help profile`.
func newProfileTopic(connect, serve *cobra.Command, common *pflag.FlagSet) *cobra.Command {
	var text strings.Builder
	text.WriteString(profileIntro + "\n\nThe keys of a profile:\n\n")
	fmt.Fprintf(&text, clidoc.Indent+"%s  the argument of arc4 connect, [USER@]SERVER[:PORT]\n", serverKey)
	fmt.Fprintf(&text, clidoc.Indent+"%s  the password, instead of password-file\n", passwordKey)
	keyDocs(&text, connect.Flags(), nil)
	text.WriteString("\nThose of arc4 serve --config are those that both commands have, and:\n\n")
	keyDocs(&text, serve.Flags(), connect.Flags())
	text.WriteString("\nBoth know besides:\n\n")
	keyDocs(&text, common, nil)
	return &cobra.Command{
		Use:   "profile",
		Short: "The files of --profile and --config: flags by their names",
		Long:  strings.TrimSuffix(text.String(), "\n"),
	}
}

// keyDocs lists the keys for some flags, but for those of others.
func keyDocs(to *strings.Builder, flags, others *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" || slices.Contains(notInFiles, f.Name) || others != nil && others.Lookup(f.Name) != nil {
			return
		}
		fmt.Fprintf(to, clidoc.Indent+"%s  %s\n", f.Name, clidoc.FlagDoc(f).What)
	})
}
