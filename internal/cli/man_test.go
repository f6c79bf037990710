package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestManPage compares with what man(7) says of macros, of escapes, and of a line that
// begins with a dot or an apostrophe.
func TestManPage(t *testing.T) {
	root := &cobra.Command{Use: "gyoji", Short: "All"}
	c := &cobra.Command{
		Use: "look FILE...", Short: "Look - closely", Run: func(*cobra.Command, []string) {},
		Long:    "First a\\b.\n\n.hidden files count\n'quoted' too\n\n    gyoji look x",
		Example: "  gyoji look --deep a",
	}
	c.Flags().StringP("deep", "d", "", "look into `FOLDER`\n.even this")
	c.Flags().Bool("secret", false, "nobody sees this")
	c.Flags().MarkHidden("secret")
	root.AddCommand(c)
	want := `.SH NAME
gyoji\-look \- Look \- closely
.SH SYNOPSIS
\fBgyoji look FILE... [flags]\fP
.SH DESCRIPTION
First a\eb.
.PP
\&.hidden files count
\&'quoted' too
.PP
.nf
    gyoji look x
.fi
.SH OPTIONS
.TP
\fB\-d\fP, \fB\-\-deep\fP \fIFOLDER\fP
look into FOLDER
\&.even this
.SH EXAMPLES
.nf
  gyoji look \-\-deep a
.fi
.SH SEE ALSO
\fBgyoji\fP(1)
`
	head, got, _ := strings.Cut(string(manPage(c)), "\n")
	if !strings.HasPrefix(head, `.TH "GYOJI-LOOK" 1 "" "gyoji `) || got != want {
		t.Errorf("got %s\n%s\nwant\n%s", head, got, want)
	}
}
