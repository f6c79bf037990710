package mapping

// syslog is what the syslog reader gives, and CEF's hosts.
var syslog = Shape{
	Name:    "syslog",
	Summary: "syslog and CEF",
	Mark:    "DeviceVendor",
	Inside:  []Inner{{Field: "message"}}, // also of what passes on syslog's, and of answers to searches
	Fields: []Source{
		{Name: "Computer", From: []string{"dvchost"}, When: "DeviceVendor"},
		{Name: "Computer", From: []string{"Hostname"}, When: "AppName"},
		{Name: "Computer", From: []string{"Hostname"}, When: "Priority"},
		{Name: "Computer", From: []string{"Hostname"}, When: "DeviceVendor"},
	},
}
