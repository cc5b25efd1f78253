package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newManCmd() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man --dir DIR",
		Short: "Write the manual pages, one for each command",
		Long: `man writes a manual page for each command into a directory, which is made if it does not exist.

The pages come from the same text as --help. SOURCE_DATE_EPOCH sets their date, for reproducible packages.`,
		Example: "  arc4 man --dir /usr/local/share/man/man1",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return usageError("--dir is empty: name the directory for the pages")
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("cannot make the directory for the manual pages: %w", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Title: "ARC4", Section: "1", Source: "arc4 " + versionString(), Manual: "User commands"}
			if err := doc.GenManTree(root, header, dir); err != nil {
				return fmt.Errorf("cannot write the manual pages: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "directory for the pages")
	if err := cmd.MarkFlagRequired("dir"); err != nil {
		panic(err)
	}
	if err := cmd.MarkFlagDirname("dir"); err != nil {
		panic(err)
	}
	return cmd
}
