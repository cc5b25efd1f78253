//go:build !nonm

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/foreign"
	"github.com/arc4tun/arc4tun/internal/nmplugin"
)

const nmAuthDialogLong = `nm-auth-dialog tells a client of NetworkManager, such as nmcli --ask or a desktop, what to ask for before a connection of the
type org.freedesktop.NetworkManager.pptp is made. Clients start it by the name nm-arc4-auth-dialog, and write the connection
to its standard input. It opens no window: a client that does not ask by itself (--external-ui-mode) gets the dialog of
NetworkManager-pptp, where that is installed.`

// nmAuthDialogFlags are those that clients give.
type nmAuthDialogFlags struct {
	uuid, service string
	nmplugin.Dialog
}

// gtkDialogs are the auth-dialogs of NetworkManager-pptp, for GTK.
var gtkDialogs = []string{"/usr/lib/NetworkManager/nm-pptp-auth-dialog", "/usr/libexec/nm-pptp-auth-dialog"}

func newNMAuthDialogCmd() *cobra.Command {
	f := nmAuthDialogFlags{Dialog: nmplugin.Dialog{Secret: nmSecret, Label: "Password"}}
	cmd := &cobra.Command{
		Use:    "nm-auth-dialog",
		Short:  "What clients of NetworkManager ask for",
		Long:   nmAuthDialogLong,
		Hidden: true, // nobody types it
		Args:   noArguments,
		RunE:   func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.uuid, "uuid", "u", "", "the connection's `UUID`")
	flags.StringVarP(&f.Name, "name", "n", "", "the connection's `NAME`")
	flags.StringVarP(&f.service, "service", "s", "", "the connection's `TYPE`")
	flags.BoolVarP(&f.Ask, "allow-interaction", "i", false, "somebody may be asked")
	flags.BoolVarP(&f.Again, "reprompt", "r", false, "ask although there is a password, which was refused")
	flags.BoolVar(&f.External, "external-ui-mode", false, "the client asks")
	flags.VarP((*hint)(&f.Message), "hint", "t", "what the plugin says: of several, the `MESSAGE` for people counts")
	return cmd
}

// hint takes the message for people out of the hints of a plugin, which are secrets' names besides.
type hint string

func (h *hint) Set(text string) error {
	if message, is := strings.CutPrefix(text, "x-vpn-message:"); is {
		*h = hint(message)
	}
	return nil
}

func (h *hint) String() string { return string(*h) }
func (*hint) Type() string     { return "string" }

func (f *nmAuthDialogFlags) run(cmd *cobra.Command) error {
	if f.service != foreign.PPTPService {
		return exit.Usagef("--service %q: this is the dialog of %s", f.service, foreign.PPTPService)
	}
	if !f.External {
		for _, window := range gtkDialogs { // before anything is read that it has to read
			if _, err := os.Stat(window); err == nil {
				return fmt.Errorf("%s: %w", window, syscall.Exec(window, append([]string{window}, os.Args[1:]...), os.Environ()))
			}
		}
	}
	err := f.Answer(cmd.InOrStdin(), cmd.OutOrStdout())
	if errors.Is(err, nmplugin.ErrNobodyToAsk) {
		return fmt.Errorf(`%w: install network-manager-pptp-gnome, or keep the password in the connection (nmcli connection modify %q vpn.secrets password=...)`, err, f.Name)
	}
	return err
}
