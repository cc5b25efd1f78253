package main

import (
	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
)

// Topics are pages of the help, not commands.

// newExitCodesTopic is `arc4 help exit-codes`.
func newExitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long:  "Every command ends with one of these codes, and with one line on standard error unless it is 0:\n\n" + exit.Text(),
	}
}

// newSecretsFileTopic is `arc4 help secrets-file`.
func newSecretsFileTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "secrets-file",
		Short: "The users of arc4 serve: the file of --secrets",
		Long:  usersFile.Text,
	}
}

// newStatusFieldsTopic is `arc4 help status-fields`.
func newStatusFieldsTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "status-fields",
		Short: "What arc4 status --json writes, field by field",
		Long:  report.FieldsText,
	}
}
