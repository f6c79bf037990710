package mapping

// cloudtrail is what aws cloudtrail lookup-events prints: the event is JSON as text.
// Source: AWS CLI reference, cloudtrail lookup-events.
var cloudtrail = Shape{
	Name:    "cloudtrail-lookup",
	Summary: "AWS CloudTrail, lookup-events",
	Mark:    "CloudTrailEvent",
	Inside:  []Inner{{Field: "CloudTrailEvent"}},
}

// unifiedaudit is Microsoft 365's audit log as Search-UnifiedAuditLog and the portal
// export it.
// Source: Microsoft Purview, Export, configure, and view audit log records.
var unifiedaudit = Shape{
	Name:    "unified-audit-log",
	Summary: "Microsoft 365 unified audit log (Search-UnifiedAuditLog, the portal's CSV)",
	Mark:    "AuditData",
	Inside:  []Inner{{Field: "AuditData"}},
}

// gcpaudit is Google Cloud's audit log as it is, under the names that Sigma rules have
// for it, which are Filebeat's.
// Source: elastic/beats, x-pack/filebeat/module/gcp/audit; Google Cloud, AuditLog.
var gcpaudit = Shape{
	Name:    "gcp-audit",
	Summary: "Google Cloud audit logs, LogEntry",
	Mark:    "protoPayload.methodName",
	Fields: []Source{
		{Name: "gcp.audit.method_name", From: []string{"protoPayload.methodName"}},
		{Name: "gcp.audit.service_name", From: []string{"protoPayload.serviceName"}},
		{Name: "gcp.audit.resource_name", From: []string{"protoPayload.resourceName"}},
		{Name: "gcp.audit.authentication_info.principal_email", From: []string{"protoPayload.authenticationInfo.principalEmail"}},
		{Name: "gcp.audit.request_metadata.caller_ip", From: []string{"protoPayload.requestMetadata.callerIp"}},
	},
}
