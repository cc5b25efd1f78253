//go:build !nobugreport

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/bugreport"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
	"github.com/arc4tun/arc4tun/internal/usleep"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

const bugreportLong = `bugreport collects what somebody needs who is to find out why a tunnel does not work, into one archive: versions, the
kernel and the processor; the profile NAME, if there is one; what "arc4 status --json" says; the log; addresses, routes,
rules, and the tables of nftables that are this program's; settings of the kernel; names of environment variables; and
the headers of a capture (arc4 connect --capture), without what packets carry and without logins.

Secrets are taken out by where they stand and, in all that is left, by their values: passwords of the profile, of
password files, of secrets files and of the environment (proxies' too), and --ipparam, also escaped, in base64 or hexadecimal digits, and as
their NT hash. It shows what would be in the archive and what that tells about you, and asks before it writes; --yes does
not ask. The archive is for its owner alone until you send it. --anonymize has other names for addresses and for the
names of users, hosts and servers.

No tunnel need be running. What this user may not see is left out, and missing.txt in the archive says so: run it as root
for all of it.`

// bugreportOptions are the flags.
type bugreportOptions struct {
	output    string
	capture   string
	yes       bool
	anonymize bool
}

func newBugreportCmd() *cobra.Command {
	var o bugreportOptions
	cmd := &cobra.Command{
		Use:        "bugreport [NAME]",
		SuggestFor: []string{"bug", "diagnose", "support"},
		Short:      "Collect what it takes to find a fault, without secrets",
		Long:       bugreportLong,
		Example: `  arc4 bugreport office                           # shows what is in it, and asks
  arc4 bugreport office --anonymize --output report.tar.gz
  arc4 bugreport --capture vpn.pcapng --yes       # without a profile; the headers of a capture`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exit.Usagef("%q: one profile at a time", args[1])
			}
			return nil
		},
		ValidArgsFunction: completeReported,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, strings.Join(args, "")) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.output, "output", "", "write to a `FILE` that is not there yet, instead of arc4-bugreport-NAME-TIME.tar.gz here")
	flags.StringVar(&o.capture, "capture", "", "take the headers out of this `FILE`, which connect --capture has written; left out, out of the one that the profile names")
	flags.BoolVarP(&o.yes, "yes", "y", false, "write without asking")
	flags.BoolVar(&o.anonymize, "anonymize", false, "put other names for addresses and for the names of users, hosts and servers, the same for the same; a capture is left out then")
	return cmd
}

// evidence is what is collected for a report.
type evidence struct {
	report  bugreport.Report
	secrets bugreport.Secrets
	names   []string // of users, hosts and servers, for --anonymize
	devices []string
	capture string
}

func (o *bugreportOptions) run(cmd *cobra.Command, name string) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	for flag, value := range map[string]string{"output": o.output, "capture": o.capture} {
		if cmd.Flags().Changed(flag) && value == "" {
			return exit.Usagef("--%s is empty: name the file, or leave the flag out", flag)
		}
	}
	e := &evidence{capture: o.capture}
	short := ""
	if name != "" {
		var err error
		if short, err = e.profile(ctx, name); err != nil {
			return err
		}
	}
	e.environment(os.Environ(), "environment.txt", "")
	e.tunnels(ctx)
	e.versions()
	e.report.System(ctx, e.devices)
	e.captured()
	if ctx.Err() != nil {
		return exit.With(exit.Interrupted, errors.New("interrupted: nothing is written"))
	}
	e.report.Clean(&e.secrets, e.anonymizer(o.anonymize))

	now := time.Now()
	folder := strings.TrimSuffix("arc4-bugreport-"+short, "-") + now.UTC().Format("-20060102T150405Z")
	if o.output == "" {
		o.output = folder + ".tar.gz"
	}
	if err := e.show(out); err != nil {
		return err
	}
	if agreed, err := o.agreed(cmd); err != nil || !agreed {
		return err
	}
	if err := o.write(&e.report, folder, now); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s is written; nobody else may read it\n", o.output)
	return err
}

// anonymizer is what --anonymize asks for.
func (e *evidence) anonymizer(wanted bool) *bugreport.Anonymizer {
	if !wanted {
		return nil
	}
	if host, err := os.Hostname(); err == nil {
		short, _, _ := strings.Cut(host, ".") // as logs have it
		e.names = append(e.names, host, short)
	}
	e.names = append(e.names, os.Getenv("SUDO_USER"))
	if text, err := os.ReadFile("/etc/resolv.conf"); err == nil {
		e.names = append(e.names, searchedDomains(string(text))...)
	}
	if u, err := user.Current(); err == nil && u.Uid != "0" {
		e.names = append(e.names, u.Username)
	}
	return bugreport.NewAnonymizer(e.names...)
}

// searchedDomains are those that resolv.conf(5) has names looked up in: whose network it is.
func searchedDomains(conf string) (domains []string) {
	for line := range strings.Lines(conf) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "search" && words[0] != "domain" {
			continue
		}
		for _, d := range words[1:] {
			if d = strings.Trim(d, "."); strings.Contains(d, ".") { // "lan" tells nothing, and is in other words
				domains = append(domains, d)
			}
		}
	}
	return domains
}

// agreed asks whether to write it.
func (o *bugreportOptions) agreed(cmd *cobra.Command) (bool, error) {
	if o.yes {
		return true, nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return false, exit.Usagef("nobody can be asked, for standard input is no terminal: add --yes to have it written")
	}
	if _, err := fmt.Fprintf(cmd.OutOrStdout(), "Write it to %s? [y/N] ", o.output); err != nil {
		return false, err
	}
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(os.Stdin).ReadString('\n') // an end is no yes
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case said := <-answer:
		if said == "y" || said == "yes" {
			return true, nil
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "nothing is written")
		return false, err
	case <-cmd.Context().Done():
		return false, exit.With(exit.Interrupted, errors.New("interrupted: nothing is written"))
	}
}

// write makes the archive, whole or not at all.
func (o *bugreportOptions) write(r *bugreport.Report, folder string, now time.Time) error {
	file, err := os.OpenFile(o.output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return exit.Usagef("%s is there already: remove it, or give another name by --output", o.output)
	}
	if err != nil {
		return err
	}
	err = errors.Join(r.Write(file, folder, now), file.Close())
	if err != nil {
		_ = os.Remove(o.output)
		return fmt.Errorf("%s: %w", o.output, err)
	}
	return nil
}

// show lists what is in the report, and what that tells.
func (e *evidence) show(out io.Writer) error {
	rows := [][]string{{"FILE", "BYTES", "TELLS"}}
	for _, f := range e.report.Files {
		rows = append(rows, []string{f.Name, fmt.Sprint(len(f.Data)), f.Tells})
	}
	_, err := fmt.Fprintf(out, "%s\n%d files of %d bytes; %d secrets are known, and taken out where they were\n", report.Columns(rows), len(e.report.Files), e.report.Size(), e.secrets.Len())
	return err
}

// What parts of a report tell about who makes it.
const (
	tellsProfile = "server and user name"
	tellsStatus  = "addresses, user names"
	tellsLog     = "addresses, user names, when the tunnel was up"
	tellsCapture = "who spoke with whom, and when"
	tellsNames   = "names of programs and settings"
)

// versions adds what this program is.
func (e *evidence) versions() {
	var b bytes.Buffer
	_ = writeVersion(&b, usleep.Own()) // a buffer takes all
	e.report.Add("version.txt", "", b.Bytes(), nil)
	b.Reset()
	list := listBackends(false)
	err := list.writeTable(&b)
	e.report.Add("backends.txt", "", b.Bytes(), err)
}

// tunnels adds what the tunnels of this user say, and how they were started.
func (e *evidence) tunnels(ctx context.Context) {
	results, err := status.FetchAll(ctx, status.DefaultDir())
	if err != nil {
		e.report.Miss("status.json", err)
		return
	}
	var snapshots []status.Snapshot
	for _, r := range results {
		if r.Err != nil {
			e.report.Miss("status.json: "+r.Path, r.Err)
			continue
		}
		s := r.Snapshot
		snapshots = append(snapshots, s)
		for _, session := range s.Sessions {
			e.names = append(e.names, session.User)
		}
		if s.Process.Device != "" {
			e.devices = append(e.devices, s.Process.Device)
		}
		e.process(s.Process.PID)
	}
	text, err := json.MarshalIndent(snapshots, "", "  ")
	e.report.Add("status.json", tellsStatus, text, err)
}

// process adds how a tunnel was started, and learns the secrets that it was given.
func (e *evidence) process(pid int) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	name := fmt.Sprintf("process-%d", pid)
	cwd, _ := os.Readlink(dir + "cwd") // where its files are, if this user may know
	if text, err := os.ReadFile(dir + "environ"); err != nil {
		e.report.Miss(name+"-environment.txt", err)
	} else {
		e.environment(strings.Split(strings.TrimRight(string(text), "\x00"), "\x00"), name+"-environment.txt", cwd)
	}
	text, err := os.ReadFile(dir + "cmdline")
	if err != nil {
		return
	}
	words := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
	e.argumentSecrets(words, cwd)
	e.report.Add(name+"-command.txt", tellsProfile, []byte(strings.Join(words, " ")+"\n"), nil)
	if text, err := os.ReadFile(dir + "status"); err == nil {
		e.report.Add(name+"-status.txt", "", text, nil)
	}
}
