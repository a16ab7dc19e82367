package demo

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Bar shows how much is done, if w is a terminal.
func Bar(w io.Writer, done, total int) {
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		full := 30 * done / total
		bar := strings.Repeat("#", full) + strings.Repeat(".", 30-full)
		fmt.Fprintf(w, "\r\x1b[K[%s] %d of %d", bar, done, total)
	}
}
