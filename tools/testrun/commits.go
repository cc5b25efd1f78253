package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"unicode/utf8"
)

// beforeTheRule is the last commit whose message need not be as CONTRIBUTING.md wants it.
const beforeTheRule = "1ba02b661e8bdf1dbe97420e5f5f3dbebf438dd9"

// longestSubject is how many characters of a commit's subject `git log --oneline` and mail show.
const longestSubject = 72

// subject is the form of a commit's subject: the packages that change, and what changes.
var subject = regexp.MustCompile(`^[a-z0-9./_-]+(, [a-z0-9./_-]+)*: \S`)

// commitMessages judges the messages of all commits since the rule. Where the history does not
// reach back so far (a shallow clone, or another history) it judges none, and says so.
func commitMessages(t *tally, s step) {
	if exec.Command("git", "merge-base", "--is-ancestor", beforeTheRule, "HEAD").Run() != nil {
		fmt.Fprintf(t.out, "     commit messages: not read, for the history here does not begin before %.7s\n", beforeTheRule)
		return
	}
	log, err := s.with().command().Output()
	if err != nil {
		t.fail("commit messages", fmt.Sprintf("git log: %v\n", err))
		return
	}
	if faults := messageFaults(string(log)); faults != "" {
		t.fail("commit messages", faults+"see CONTRIBUTING.md; git commit --amend or git rebase -i mends them\n")
		return
	}
	t.pass()
	fmt.Fprintln(t.out, "ok   commit messages")
}

// messageFaults says what is wrong with commits, a line each. Each of them is a hash, a line feed
// and the message, and ends in a NUL.
func messageFaults(log string) string {
	var faults strings.Builder
	for commit := range strings.SplitSeq(log, "\x00") {
		if commit == "" {
			continue // after the last
		}
		hash, message, _ := strings.Cut(commit, "\n")
		first, body, _ := strings.Cut(strings.TrimSpace(message), "\n")
		for _, fault := range []struct {
			is   bool
			what string
		}{
			{!subject.MatchString(first), "is not `package: what changes`"},
			{utf8.RuneCountInString(first) > longestSubject, fmt.Sprintf("has more than %d characters", longestSubject)},
			{strings.HasSuffix(first, "."), "ends in a full stop"},
			{strings.TrimSpace(body) == "", "has no body that says why"},
			{body != "" && !strings.HasPrefix(body, "\n"), "goes on without an empty line"},
		} {
			if fault.is {
				fmt.Fprintf(&faults, "%s %q %s\n", hash, first, fault.what)
			}
		}
	}
	return faults.String()
}
