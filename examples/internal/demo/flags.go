package demo

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// Flags is a flag.FlagSet whose usage text names the environment.
func Flags(usage string, stderr io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(usage, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: %s\n", usage)
		flags.PrintDefaults()
		fmt.Fprint(stderr, Environment)
	}
	return flags
}

// Parse returns ok when the program is to go on, else its exit status.
func Parse(flags *flag.FlagSet, args []string) (status int, ok bool) {
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0, false
	case err != nil:
		return 2, false
	}
	if late := lateFlag(flags, args); late != "" {
		fmt.Fprintf(flags.Output(),
			"the flag %s must come before the words; write -- before words that begin with a dash\n", late)
		return 2, false
	}
	return 0, true
}

// lateFlag finds a flag among the words, where package flag does not see it.
func lateFlag(flags *flag.FlagSet, args []string) string {
	if slices.Contains(args, "--") {
		return ""
	}
	for _, word := range flags.Args() {
		name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if strings.HasPrefix(word, "-") && flags.Lookup(name) != nil {
			return word
		}
	}
	return ""
}

// Files names each file once, whatever way leads to it.
func Files(names []string) []string {
	var files []string
	for _, name := range names {
		file, err := filepath.Abs(name)
		if err != nil {
			file = name
		}
		files = append(files, file)
	}
	slices.Sort(files)
	return slices.Compact(files)
}
