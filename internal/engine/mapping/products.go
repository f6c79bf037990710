package mapping

import "sync"

// product is a log source of Sigma that is not Windows, by target. service are
// the services it is about: "" and - a rule without one, * any.
type product struct {
	product, category, service string
	in                         map[string]*Store
}

// web are the fields of proxies and web servers under other names.
const (
	ecsWeb      = "c-uri url.original; cs-uri url.original; c-uri-query url.query; cs-uri-query url.query; c-uri-stem url.path; cs-uri-stem url.path; c-uri-extension url.extension; c-useragent user_agent.original; cs-user-agent user_agent.original; cs-method http.request.method; sc-status http.response.status_code#n; r-dns url.domain; cs-host url.domain; cs-referrer http.request.referrer; cs-referer http.request.referrer; cs-username user.name; src_ip source.ip#i; c-ip source.ip#i; dst_ip destination.ip#i; r-ip destination.ip#i; dst_port destination.port#n"
	cimWeb      = "c-uri url; cs-uri url; c-uri-query uri_query; cs-uri-query uri_query; c-uri-stem uri_path; cs-uri-stem uri_path; c-useragent http_user_agent; cs-user-agent http_user_agent; cs-method http_method; sc-status status; r-dns dest; cs-host dest; cs-referrer http_referrer; cs-referer http_referrer; cs-username user; src_ip src; c-ip src; dst_ip dest_ip; r-ip dest_ip; dst_port dest_port; cs-cookie cookie; cs-bytes bytes_out; sc-bytes bytes_in"
	asimWeb     = "c-uri Url; cs-uri Url; c-useragent HttpUserAgent; cs-user-agent HttpUserAgent; cs-method HttpRequestMethod; sc-status EventResultDetails; cs-host HttpHost; r-dns DstHostname; cs-referrer HttpReferrer; cs-referer HttpReferrer; cs-username SrcUsername; src_ip SrcIpAddr; c-ip SrcIpAddr; dst_ip DstIpAddr; r-ip DstIpAddr; dst_port DstPortNumber#n"
	iisWeb      = "cs-uri-query csUriQuery; c-uri-query csUriQuery; cs-uri-stem csUriStem; c-uri-stem csUriStem; cs-method csMethod; sc-status scStatus; cs-user-agent csUserAgent; c-useragent csUserAgent; cs-username csUserName; cs-host csHost; cs-referer csReferer; cs-referrer csReferer; cs-cookie csCookie; c-ip cIP; src_ip cIP; s-ip sIP; s-port sPort#n"
	udmWeb      = "c-uri $e.target.url; cs-uri $e.target.url; c-useragent $e.network.http.user_agent; cs-user-agent $e.network.http.user_agent; cs-method $e.network.http.method; sc-status $e.network.http.response_code#n; cs-host $e.target.hostname; r-dns $e.target.hostname; cs-referrer $e.network.http.referral_url; cs-referer $e.network.http.referral_url; src_ip $e.principal.ip; c-ip $e.principal.ip; dst_ip $e.target.ip; r-ip $e.target.ip; dst_port $e.target.port#n"
	ecsProcess  = "Image process.executable; CommandLine process.command_line; CurrentDirectory process.working_directory; ProcessId process.pid#n; ParentImage process.parent.executable; ParentCommandLine process.parent.command_line; ParentProcessId process.parent.pid#n; User user.name; md5 process.hash.md5#s; sha1 process.hash.sha1#s; sha256 process.hash.sha256#s"
	ecsFile     = ecsProcess + "; TargetFilename file.path"
	ecsNetwork  = ecsProcess + "; SourceIp source.ip#i; SourcePort source.port#n; DestinationIp destination.ip#i; DestinationPort destination.port#n; DestinationHostname destination.domain; Protocol network.transport#s"
	oktaRaw     = "eventtype eventType; displaymessage displayMessage; legacyeventtype legacyEventType; actor.alternateid actor.alternateId; actor.displayname actor.displayName; outcome.result outcome.result; outcome.reason outcome.reason; severity severity; client.useragent.rawuseragent client.userAgent.rawUserAgent; client.ipaddress client.ipAddress; client.zone client.zone; securitycontext.isproxy securityContext.isProxy; debugcontext.debugdata.* debugContext.debugData.*; target.displayname target.displayName"
	gcpRaw      = "gcp.audit.method_name protoPayload.methodName; gcp.audit.service_name protoPayload.serviceName; gcp.audit.resource_name protoPayload.resourceName; data.protopayload.* protoPayload.*"
	udmProcess  = "Image $e.target.process.file.full_path; CommandLine $e.target.process.command_line; ProcessId $e.target.process.pid; ParentImage $e.principal.process.file.full_path; ParentCommandLine $e.principal.process.command_line; ParentProcessId $e.principal.process.pid; User $e.principal.user.userid"
	ecsPosition = "logs-*,auditbeat-*,filebeat-*"
)

func where(pairs ...string) (out [][2]string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, [2]string{pairs[i], pairs[i+1]})
	}
	return out
}

// products are the log sources of other products, and where targets keep them.
// Source: the taxonomy appendix of the Sigma specification for the fields of
// rules; for the targets Azure Monitor's table reference and ASIM's schemas
// (sentinel), Elastic's integrations and the ECS field reference (ecs), Splunk's
// Common Information Model and the source types of its add-ons (splunk), Sumo
// Logic's apps and Cloud SIEM's log mappings (sumo, cse), the CrowdStrike parsing
// standard (logscale), Google's list of log types and UDM fields (udm).
var products = sync.OnceValue(func() []product {
	return []product{
		{"aws", "", "cloudtrail", map[string]*Store{
			"sumo":   {Table: "_sourceCategory=*cloudtrail*", Rest: "*"},
			"cse":    {Where: where("metadata_vendor", "Amazon AWS", "metadata_product", "CloudTrail"), Rest: "fields['*']"},
			"splunk": {Where: where("sourcetype", "aws:cloudtrail"), Rest: "*"},
			"sentinel": {Table: "AWSCloudTrail", Columns: columnsOf("eventSource EventSource; eventName EventName; eventType EventTypeName; eventVersion EventVersion; eventID AwsEventId; errorCode ErrorCode; errorMessage ErrorMessage; awsRegion AWSRegion; userAgent UserAgent; sourceIPAddress SourceIpAddress; recipientAccountId RecipientAccountId; resources Resources; additionalEventData AdditionalEventData; requestParameters RequestParameters; responseElements ResponseElements; vpcEndpointId VpcEndpointId",
				"userIdentity.type UserIdentityType; userIdentity.arn UserIdentityArn; userIdentity.userName UserIdentityUserName; userIdentity.accountId UserIdentityAccountId; userIdentity.principalId UserIdentityPrincipalid; userIdentity.invokedBy UserIdentityInvokedBy; userIdentity.accessKeyId UserIdentityAccessKeyId; userIdentity.sessionContext.attributes.mfaAuthenticated SessionMfaAuthenticated#b; userIdentity.sessionContext.sessionIssuer.userName SessionIssuerUserName; userIdentity.sessionContext.sessionIssuer.type SessionIssuerType; userIdentity.sessionContext.sessionIssuer.arn SessionIssuerArn",
				"requestParameters.* tostring(parse_json(RequestParameters).*); responseElements.* tostring(parse_json(ResponseElements).*); additionalEventData.* tostring(parse_json(AdditionalEventData).*)")},
			"ecs":      {Table: "logs-aws.cloudtrail-*,filebeat-*", Where: where("event.dataset", "aws.cloudtrail"), Columns: columnsOf("eventSource event.provider; eventName event.action; errorCode aws.cloudtrail.error_code; errorMessage aws.cloudtrail.error_message; eventType aws.cloudtrail.event_type; eventVersion aws.cloudtrail.event_version; awsRegion cloud.region; sourceIPAddress source.address; userAgent user_agent.original; recipientAccountId aws.cloudtrail.recipient_account_id; userIdentity.type aws.cloudtrail.user_identity.type; userIdentity.arn aws.cloudtrail.user_identity.arn; userIdentity.invokedBy aws.cloudtrail.user_identity.invoked_by; userIdentity.userName user.name; userIdentity.principalId user.id; userIdentity.accountId cloud.account.id")},
			"logscale": {Where: where("#Vendor", "aws", "#event.dataset", "aws.cloudtrail"), Rest: "Vendor.*"},
			"udm":      {Where: where("$e.metadata.log_type", "AWS_CLOUDTRAIL"), Columns: columnsOf("eventName $e.metadata.product_event_type; eventSource $e.target.application; userAgent $e.network.http.user_agent; sourceIPAddress $e.principal.ip")},
			"table":    {Table: "aws_cloudtrail", Rest: "*"},
		}},
		{"azure", "", "activitylogs", map[string]*Store{
			"sumo":     {Table: "_sourceCategory=*azure*activity*", Rest: "*"},
			"splunk":   {Where: where("sourcetype", "azure:monitor:activity"), Columns: columnsOf("operationName operationName; category category; callerIpAddress callerIpAddress; resultType resultType; properties.* properties.*")},
			"sentinel": {Table: "AzureActivity", Columns: columnsOf("operationName OperationNameValue; OperationNameValue OperationNameValue; resourceProvider ResourceProviderValue; ResourceProviderValue ResourceProviderValue; status ActivityStatusValue; ActivityStatusValue ActivityStatusValue; ActivityStatus ActivityStatusValue; category CategoryValue; CategoryValue CategoryValue; caller Caller; callerIpAddress CallerIpAddress; resourceGroup ResourceGroup; level Level; properties.* tostring(parse_json(Properties).*)")},
			"ecs":      {Table: "logs-azure.activitylogs-*,filebeat-*", Where: where("event.dataset", "azure.activitylogs"), Columns: columnsOf("operationName azure.activitylogs.operation_name; category azure.activitylogs.category; resultType azure.activitylogs.result_type; callerIpAddress source.ip#i")},
			"table":    {Table: "azure_activitylogs", Rest: "*"},
		}},
		{"azure", "", "signinlogs", map[string]*Store{
			"sumo":     {Table: "_sourceCategory=*azure*signin*", Columns: columnsOf("ResultType resultType; ResultDescription resultDescription; AppDisplayName properties.appDisplayName; AppId properties.appId; UserPrincipalName properties.userPrincipalName; ClientAppUsed properties.clientAppUsed; ConditionalAccessStatus properties.conditionalAccessStatus; AuthenticationRequirement properties.authenticationRequirement; ResourceDisplayName properties.resourceDisplayName; userAgent properties.userAgent; IPAddress properties.ipAddress; Location location; DeviceDetail.* properties.deviceDetail.*; properties.* properties.*")},
			"sentinel": {Table: "SigninLogs", Columns: columnsOf("ResultType ResultType; ResultDescription ResultDescription; AppDisplayName AppDisplayName; AppId AppId; UserPrincipalName UserPrincipalName; ClientAppUsed ClientAppUsed; ConditionalAccessStatus ConditionalAccessStatus; AuthenticationRequirement AuthenticationRequirement; ResourceDisplayName ResourceDisplayName; userAgent UserAgent; IPAddress IPAddress; Location Location; RiskState RiskState; RiskLevelDuringSignIn RiskLevelDuringSignIn; RiskEventTypes_V2 RiskEventTypes_V2; UserType UserType; OperationName OperationName; Category Category; DeviceDetail.* tostring(DeviceDetail.*); Status.* tostring(Status.*)")},
			"ecs":      {Table: "logs-azure.signinlogs-*,filebeat-*", Where: where("event.dataset", "azure.signinlogs"), Columns: columnsOf("ResultType azure.signinlogs.result_type; ResultDescription azure.signinlogs.result_description; AppDisplayName azure.signinlogs.properties.app_display_name; AppId azure.signinlogs.properties.app_id; UserPrincipalName azure.signinlogs.properties.user_principal_name; ClientAppUsed azure.signinlogs.properties.client_app_used; ConditionalAccessStatus azure.signinlogs.properties.conditional_access_status; AuthenticationRequirement azure.signinlogs.properties.authentication_requirement; ResourceDisplayName azure.signinlogs.properties.resource_display_name; userAgent user_agent.original; IPAddress source.ip#i")},
			"table":    {Table: "azure_signinlogs", Rest: "*"},
		}},
		{"azure", "", "auditlogs", map[string]*Store{
			"sumo":     {Table: "_sourceCategory=*azure*audit*", Columns: columnsOf("operationName operationName; category category; Category category; LoggedByService properties.loggedByService; result properties.result; properties.* properties.*; InitiatedBy.* properties.initiatedBy.*")},
			"sentinel": {Table: "AuditLogs", Columns: columnsOf("operationName OperationName; category Category; LoggedByService LoggedByService; result Result; ResultReason ResultReason; ResultDescription ResultDescription; ActivityDisplayName ActivityDisplayName; ActivityType ActivityDisplayName; InitiatedBy.* tostring(InitiatedBy.*)")},
			"ecs":      {Table: "logs-azure.auditlogs-*,filebeat-*", Where: where("event.dataset", "azure.auditlogs"), Columns: columnsOf("operationName azure.auditlogs.operation_name; category azure.auditlogs.properties.category; LoggedByService azure.auditlogs.properties.logged_by_service; result azure.auditlogs.properties.result; ActivityDisplayName azure.auditlogs.properties.activity_display_name")},
			"table":    {Table: "azure_auditlogs", Rest: "*"},
		}},
		{"azure", "", "riskdetection", map[string]*Store{
			"sentinel": {Table: "AADUserRiskEvents", Columns: columnsOf("riskEventType RiskEventType; riskState RiskState; riskLevel RiskLevel; riskDetail RiskDetail; activity Activity; source Source; detectionTimingType DetectionTimingType; userPrincipalName UserPrincipalName; ipAddress IpAddress")},
			"table":    {Table: "azure_riskdetection", Rest: "*"},
		}},
		{"gcp", "", "gcp.audit", map[string]*Store{
			"sumo":     {Table: "_sourceCategory=*gcp*", Columns: columnsOf(gcpRaw)},
			"cse":      {Where: where("metadata_vendor", "Google", "metadata_product", "Google Cloud Platform"), Columns: columnsOf("gcp.audit.method_name fields['protoPayload.methodName']; gcp.audit.service_name fields['protoPayload.serviceName']; gcp.audit.resource_name fields['protoPayload.resourceName']")},
			"splunk":   {Where: where("sourcetype", "google:gcp:pubsub:message"), Columns: columnsOf("gcp.audit.method_name data.protoPayload.methodName; gcp.audit.service_name data.protoPayload.serviceName; gcp.audit.resource_name data.protoPayload.resourceName; data.protopayload.* data.protoPayload.*")},
			"sentinel": {Table: "GCPAuditLogs", Columns: columnsOf("gcp.audit.method_name MethodName; gcp.audit.service_name ServiceName; gcp.audit.resource_name GCPResourceName; data.protopayload.methodname MethodName; data.protopayload.servicename ServiceName")},
			"ecs":      {Table: "logs-gcp.audit-*,filebeat-*", Where: where("event.dataset", "gcp.audit"), Columns: columnsOf("gcp.audit.method_name event.action; gcp.audit.service_name service.name; gcp.audit.resource_name gcp.audit.resource_name; data.protopayload.methodname event.action; data.protopayload.servicename service.name")},
			"udm":      {Where: where("$e.metadata.log_type", "GCP_CLOUDAUDIT"), Columns: columnsOf("gcp.audit.method_name $e.metadata.product_event_type; gcp.audit.service_name $e.target.application; gcp.audit.resource_name $e.target.resource.name")},
			"table":    {Table: "gcp_audit", Rest: "*"},
		}},
		{"gcp", "", "google_workspace.admin", map[string]*Store{
			"ecs":   {Table: "logs-google_workspace.admin-*,filebeat-*", Where: where("event.dataset", "google_workspace.admin"), Columns: columnsOf("eventName event.action")},
			"table": {Table: "google_workspace_admin", Rest: "*"},
		}},
		{"okta", "*", "*", map[string]*Store{
			"sumo":     {Table: "_sourceCategory=*okta*", Columns: columnsOf(oktaRaw)},
			"cse":      {Where: where("metadata_vendor", "Okta", "metadata_product", "Single Sign-On"), Columns: columnsOf("eventtype fields['eventType']; displaymessage fields['displayMessage']; actor.alternateid fields['actor.alternateId']; outcome.result fields['outcome.result']; outcome.reason fields['outcome.reason']; securitycontext.isproxy fields['securityContext.isProxy']")},
			"splunk":   {Where: where("sourcetype", "OktaIM2:log"), Columns: columnsOf(oktaRaw)},
			"sentinel": {Table: "Okta_CL", Columns: columnsOf("eventtype eventType_s; displaymessage displayMessage_s; legacyeventtype legacyEventType_s; actor.alternateid actor_alternateId_s; actor.displayname actor_displayName_s; outcome.result outcome_result_s; outcome.reason outcome_reason_s; severity severity_s; client.ipaddress client_ipAddress_s; client.useragent.rawuseragent client_userAgent_rawUserAgent_s")},
			"ecs":      {Table: "logs-okta.system-*,filebeat-*", Where: where("event.dataset", "okta.system"), Columns: columnsOf("eventtype event.action; displaymessage okta.display_message; actor.alternateid okta.actor.alternate_id; actor.displayname okta.actor.display_name; outcome.result okta.outcome.result; outcome.reason okta.outcome.reason; severity okta.severity; securitycontext.isproxy okta.security_context.is_proxy#b; client.useragent.rawuseragent user_agent.original; client.ipaddress client.ip#i")},
			"logscale": {Where: where("#Vendor", "okta"), Columns: columnsOf("eventtype Vendor.eventType; displaymessage Vendor.displayMessage; actor.alternateid Vendor.actor.alternateId; outcome.result Vendor.outcome.result; outcome.reason Vendor.outcome.reason")},
			"udm":      {Where: where("$e.metadata.log_type", "OKTA"), Columns: columnsOf("eventtype $e.metadata.product_event_type; displaymessage $e.security_result.summary")},
			"table":    {Table: "okta", Rest: "*"},
		}},
		{"m365", "*", "*", map[string]*Store{
			"sumo":     {Table: "_sourceCategory=*o365*", Columns: columnsOf("Operation Operation; Workload Workload; RecordType RecordType; ResultStatus ResultStatus; UserId UserId; eventSource Workload; eventName Name")},
			"cse":      {Where: where("metadata_vendor", "Microsoft", "metadata_product", "Office 365"), Columns: columnsOf("Operation fields['Operation']; Workload fields['Workload']; eventSource fields['Workload']; eventName fields['Name']")},
			"splunk":   {Where: where("sourcetype", "o365:management:activity"), Columns: columnsOf("Operation Operation; Workload Workload; RecordType RecordType; ResultStatus ResultStatus; UserId UserId; eventSource Workload; eventName Name")},
			"sentinel": {Table: "OfficeActivity", Columns: columnsOf("Operation Operation; Workload OfficeWorkload; RecordType RecordType; ResultStatus ResultStatus; UserId UserId")},
			"ecs":      {Table: "logs-o365.audit-*,filebeat-*", Where: where("event.dataset", "o365.audit"), Columns: columnsOf("Operation event.action; Workload event.provider; eventSource event.provider; eventName event.action; status event.outcome; UserId user.id")},
			"table":    {Table: "m365", Rest: "*"},
		}},
		{"github", "*", "*", map[string]*Store{
			"sumo":   {Table: "_sourceCategory=*github*", Rest: "*"},
			"splunk": {Where: where("sourcetype", "github:enterprise:audit"), Rest: "*"},
			"ecs":    {Table: "logs-github.audit-*", Where: where("event.dataset", "github.audit"), Columns: columnsOf("action event.action; actor user.name")},
			"udm":    {Where: where("$e.metadata.log_type", "GITHUB"), Columns: columnsOf("action $e.metadata.product_event_type; actor $e.principal.user.userid")},
			"table":  {Table: "github_audit", Rest: "*"},
		}},
		{"*", "proxy", "*", map[string]*Store{
			"splunk":   {Where: where("tag", "web", "tag", "proxy"), Columns: columnsOf(cimWeb)},
			"sentinel": {Table: "_Im_WebSession()", Where: where("EventType", "HTTPsession"), Columns: columnsOf(asimWeb)},
			"ecs":      {Table: "logs-*,filebeat-*", Where: where("event.category", "web"), Columns: columnsOf(ecsWeb)},
			"udm":      {Where: where("$e.metadata.event_type", "NETWORK_HTTP"), Columns: columnsOf(udmWeb)},
			"table":    {Table: "proxy", Rest: "*"},
		}},
		{"*", "webserver", "*", map[string]*Store{
			"splunk":   {Where: where("tag", "web"), Columns: columnsOf(cimWeb)},
			"sentinel": {Table: "W3CIISLog", Columns: columnsOf(iisWeb)},
			"ecs":      {Table: "logs-*,filebeat-*", Where: where("event.category", "web"), Columns: columnsOf(ecsWeb)},
			"udm":      {Where: where("$e.metadata.event_type", "NETWORK_HTTP"), Columns: columnsOf(udmWeb)},
			"table":    {Table: "webserver", Rest: "*"},
		}},
		{"", "dns", "", map[string]*Store{
			"splunk":   {Where: where("tag", "dns"), Columns: columnsOf("query query; record_type record_type; answer answer; src_ip src; dst_ip dest")},
			"sentinel": {Table: "_Im_Dns()", Columns: columnsOf("query DnsQuery; record_type DnsQueryTypeName; answer DnsResponseName; src_ip SrcIpAddr; dst_ip DstIpAddr")},
			"ecs":      {Table: "logs-*,packetbeat-*", Where: where("network.protocol", "dns"), Columns: columnsOf("query dns.question.name; record_type dns.question.type; answer dns.answers.data; src_ip source.ip#i; dst_ip destination.ip#i")},
			"udm":      {Where: where("$e.metadata.event_type", "NETWORK_DNS"), Columns: columnsOf("query $e.network.dns.questions.name; answer $e.network.dns.answers.data; src_ip $e.principal.ip; dst_ip $e.target.ip")},
			"table":    {Table: "dns", Rest: "*"},
		}},
		{"zeek", "*", "http", map[string]*Store{
			"sumo":   {Table: "_sourceCategory=*zeek*", Columns: columnsOf("c-uri uri; c-useragent user_agent; cs-method method; sc-status status_code; cs-host host; r-dns host; status_code status_code; uri uri; user_agent user_agent; method method; host host; resp_mime_types resp_mime_types; referrer referrer; id.* id.*")},
			"splunk": {Where: where("sourcetype", "zeek:http:json|bro:http:json"), Columns: columnsOf("c-uri uri; c-useragent user_agent; cs-method method; sc-status status_code; cs-host host; r-dns host; status_code status_code; uri uri; user_agent user_agent; method method; host host; resp_mime_types resp_mime_types; referrer referrer; id.* id.*")},
			"ecs":    {Table: "logs-zeek.http-*,filebeat-*", Where: where("event.dataset", "zeek.http"), Columns: columnsOf(ecsWeb, "uri url.original; user_agent user_agent.original; method http.request.method; status_code http.response.status_code#n; host url.domain; id.orig_h source.ip#i; id.resp_h destination.ip#i; id.resp_p destination.port#n; resp_mime_types zeek.http.resp_mime_types")},
			"table":  {Table: "zeek_http", Rest: "*"},
		}},
		{"zeek", "*", "dns", map[string]*Store{
			"sumo":   {Table: "_sourceCategory=*zeek*", Rest: "*"},
			"splunk": {Where: where("sourcetype", "zeek:dns:json|bro:dns:json"), Rest: "*"},
			"ecs":    {Table: "logs-zeek.dns-*,filebeat-*", Where: where("event.dataset", "zeek.dns"), Columns: columnsOf("query dns.question.name; qtype_name dns.question.type; answers dns.answers.data; id.orig_h source.ip#i; id.resp_h destination.ip#i; id.resp_p destination.port#n; rcode_name dns.response_code; Z zeek.dns.Z")},
			"table":  {Table: "zeek_dns", Rest: "*"},
		}},
		{"zeek", "*", "smb_files dce_rpc kerberos rdp x509 ssl conn files ftp smtp ssh smb_mapping ntlm", map[string]*Store{
			"sumo":   {Table: "_sourceCategory=*zeek*", Rest: "*"},
			"splunk": {Where: where("sourcetype", "zeek:{service}:json|bro:{service}:json"), Rest: "*"},
			"ecs":    {Table: "logs-zeek.{service}-*,filebeat-*", Where: where("event.dataset", "zeek.{service}"), Columns: columnsOf("id.orig_h source.ip#i; id.orig_p source.port#n; id.resp_h destination.ip#i; id.resp_p destination.port#n"), Rest: "zeek.{service}.*"},
			"table":  {Table: "zeek_{service}", Rest: "*"},
		}},
		{"linux", "process_creation", "", map[string]*Store{
			"sumo":   {Table: "_sourceCategory=*linux*", Where: where("Channel", "Linux-Sysmon/Operational", "EventID", "1"), Rest: "*"},
			"splunk": {Where: where("sourcetype", "sysmon:linux", "EventCode", "1"), Rest: "*"},
			"ecs":    {Table: ecsPosition, Where: where("host.os.type", "linux", "event.category", "process", "event.type", "start"), Columns: columnsOf(ecsProcess)},
			"udm":    {Where: where("$e.metadata.event_type", "PROCESS_LAUNCH", "$e.principal.platform", "LINUX"), Columns: columnsOf(udmProcess)},
			"table":  {Table: "linux_process_creation", Rest: "*"},
		}},
		{"linux", "file_event", "", map[string]*Store{
			"sumo":   {Table: "_sourceCategory=*linux*", Where: where("Channel", "Linux-Sysmon/Operational", "EventID", "11"), Rest: "*"},
			"splunk": {Where: where("sourcetype", "sysmon:linux", "EventCode", "11"), Rest: "*"},
			"ecs":    {Table: ecsPosition, Where: where("host.os.type", "linux", "event.category", "file", "event.type", "creation"), Columns: columnsOf(ecsFile)},
			"udm":    {Where: where("$e.metadata.event_type", "FILE_CREATION", "$e.principal.platform", "LINUX"), Columns: columnsOf("Image $e.principal.process.file.full_path; TargetFilename $e.target.file.full_path")},
			"table":  {Table: "linux_file_event", Rest: "*"},
		}},
		{"linux", "network_connection", "", map[string]*Store{
			"sumo":   {Table: "_sourceCategory=*linux*", Where: where("Channel", "Linux-Sysmon/Operational", "EventID", "3"), Rest: "*"},
			"splunk": {Where: where("sourcetype", "sysmon:linux", "EventCode", "3"), Rest: "*"},
			"ecs":    {Table: ecsPosition, Where: where("host.os.type", "linux", "event.category", "network"), Columns: columnsOf(ecsNetwork)},
			"table":  {Table: "linux_network_connection", Rest: "*"},
		}},
		{"macos", "process_creation", "", map[string]*Store{
			"ecs":   {Table: ecsPosition, Where: where("host.os.type", "macos", "event.category", "process", "event.type", "start"), Columns: columnsOf(ecsProcess)},
			"udm":   {Where: where("$e.metadata.event_type", "PROCESS_LAUNCH", "$e.principal.platform", "MAC"), Columns: columnsOf(udmProcess)},
			"table": {Table: "macos_process_creation", Rest: "*"},
		}},
		{"macos", "file_event", "", map[string]*Store{
			"ecs":   {Table: ecsPosition, Where: where("host.os.type", "macos", "event.category", "file", "event.type", "creation"), Columns: columnsOf(ecsFile)},
			"table": {Table: "macos_file_event", Rest: "*"},
		}},
		{"linux", "", "auditd", map[string]*Store{
			"splunk": {Where: where("sourcetype", "linux:audit"), Rest: "*"},
			"table":  {Table: "linux_auditd", Rest: "*"},
		}},
		{"linux", "", "sshd sudo cron vsftpd guacamole clamav", map[string]*Store{
			"sumo":     {Table: "_sourceCategory=*linux* {service}", Texts: true},
			"splunk":   {Where: where("sourcetype", "linux_secure|syslog", "process", "{service}"), Texts: true},
			"sentinel": {Table: "Syslog", Where: where("ProcessName", "{service}"), Texts: true},
			"ecs":      {Table: "logs-system.*,filebeat-*", Where: where("process.name", "{service}"), Texts: true},
		}},
		{"linux", "", "- syslog auth", map[string]*Store{
			"sumo":     {Table: "_sourceCategory=*linux*", Texts: true},
			"splunk":   {Where: where("sourcetype", "linux_secure|syslog"), Texts: true},
			"sentinel": {Table: "Syslog", Texts: true},
			"ecs":      {Table: "logs-system.*,filebeat-*", Where: where("event.dataset", "system.syslog|system.auth"), Texts: true},
		}},
	}
})
