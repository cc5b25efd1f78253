//go:build !noman

package main

import (
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

const manLong = `man writes a manual page for each command and each topic of the help into a directory, which is made if it does not
exist. Pages of other sections than 1, such as arc4-secrets-file.5, go into the directories man5 and man7 beside it if its
own name is man1, else into the same.

The pages come from the same text as --help. To read one without installing it: man -l DIR/arc4-connect.1`

// epochVariable is the environment variable of reproducible builds
// (https://reproducible-builds.org/specs/source-date-epoch/).
const epochVariable = "SOURCE_DATE_EPOCH"

func newManCmd() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "man --dir DIR",
		Short:   "Write the manual pages, one for each command and topic",
		Long:    manLong,
		Example: "  arc4 man --dir /usr/local/share/man/man1",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return exit.Usagef("--dir is empty: name the directory for the pages")
			}
			date, err := manDate(os.Getenv(epochVariable))
			if err != nil {
				return err
			}
			return documentation.WriteManPages(cmd.Root(), dir, date)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`DIR` for the pages, made if it is not there")
	if err := cmd.MarkFlagRequired("dir"); err != nil {
		panic(err)
	}
	if err := cmd.MarkFlagDirname("dir"); err != nil {
		panic(err)
	}
	return cmd
}

// manDate is the date of the pages: that of SOURCE_DATE_EPOCH, or today's.
func manDate(epoch string) (time.Time, error) {
	if epoch == "" {
		return time.Now(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, exit.Usagef("%s=%q: must be a number of seconds since 1970", epochVariable, epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
