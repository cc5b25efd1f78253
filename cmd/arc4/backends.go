package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/arc4"
)

const backendsLong = `backends lists the RC4 implementations that run on this machine: what each is, how many packets it encrypts at once,
whether it passed its self-test (all test vectors of RFC 6229), and which one was selected and why.

A backend that fails its self-test is never selected. The environment variable ARC4_BACKEND names another than the
fastest. The command ends with code 1 if a self-test failed or nothing could be selected.`

func newBackendsCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "backends",
		Short: "List the RC4 backends of this machine, and which is selected",
		Long:  backendsLong,
		Example: `  arc4 backends
  arc4 backends --json
  ARC4_BACKEND=u32 arc4 backends`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := listBackends()
			write := list.writeTable
			if asJSON {
				write = list.writeJSON
			}
			if err := write(cmd.OutOrStdout()); err != nil {
				return fmt.Errorf("cannot write the list: %w", err)
			}
			return list.err()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return cmd
}

// backendList is what backends prints; its JSON is the command's.
type backendList struct {
	Selected string        `json:"selected"` // empty if none could be
	Why      string        `json:"why"`
	Backends []backendLine `json:"backends"`
}

type backendLine struct {
	Name     string `json:"name"`
	What     string `json:"what"`
	Streams  int    `json:"streams"`
	SelfTest string `json:"self_test"` // "ok", or what is wrong
	Selected bool   `json:"selected"`
}

const selfTestOK = "ok"

func listBackends() backendList {
	selected, why := arc4.Selected()
	list := backendList{Why: why, Backends: []backendLine{}}
	if selected != nil {
		list.Selected = selected.Name()
	}
	for _, b := range arc4.Backends() {
		line := backendLine{Name: b.Name(), What: b.Describe(), Streams: b.Streams(), SelfTest: selfTestOK, Selected: b == selected}
		if err := b.SelfTest(); err != nil {
			line.SelfTest = err.Error()
		}
		list.Backends = append(list.Backends, line)
	}
	return list
}

func (l backendList) writeTable(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTREAMS\tSELF-TEST\tSELECTED\tWHAT IT IS")
	for _, b := range l.Backends {
		test, selected := selfTestOK, "-"
		if b.SelfTest != selfTestOK {
			test = "FAILED"
		}
		if b.Selected {
			selected = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", b.Name, strconv.Itoa(b.Streams), test, selected, b.What)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if l.Selected == "" {
		_, err := fmt.Fprintf(out, "\nselected: none (%s)\n", l.Why)
		return err
	}
	_, err := fmt.Fprintf(out, "\nselected: %s (%s)\n", l.Selected, l.Why)
	return err
}

func (l backendList) writeJSON(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(l)
}

// err says which self-tests failed, or that nothing could be selected.
func (l backendList) err() error {
	for _, b := range l.Backends {
		if b.SelfTest != selfTestOK {
			return fmt.Errorf("backend %s failed its self-test: %s", b.Name, b.SelfTest)
		}
	}
	if l.Selected == "" {
		return fmt.Errorf("no backend selected: %s", l.Why)
	}
	return nil
}
