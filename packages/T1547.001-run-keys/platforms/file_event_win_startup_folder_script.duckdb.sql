-- Script Or Program Appears In A Startup Folder
-- Sigma rule 1d8c7a44-6a3b-4c1e-8b58-7f4d2f6a9b32, level medium
SELECT *
FROM events
WHERE ((coalesce(lower("Channel") = 'microsoft-windows-sysmon/operational', false) AND coalesce("EventID" IN ('11'), false)))
  AND coalesce("TargetFilename" ILIKE '%\Start Menu\Programs\Startup\%' ESCAPE '!', false) AND (coalesce("TargetFilename" ILIKE '%.exe' ESCAPE '!', false) OR coalesce("TargetFilename" ILIKE '%.scr' ESCAPE '!', false) OR coalesce("TargetFilename" ILIKE '%.bat' ESCAPE '!', false) OR coalesce("TargetFilename" ILIKE '%.cmd' ESCAPE '!', false) OR coalesce("TargetFilename" ILIKE '%.vbs' ESCAPE '!', false) OR coalesce("TargetFilename" ILIKE '%.vbe' ESCAPE '!', false) OR coalesce("TargetFilename" ILIKE '%.js' ESCAPE '!', false) OR coalesce("TargetFilename" ILIKE '%.jse' ESCAPE '!', false) OR coalesce("TargetFilename" ILIKE '%.wsf' ESCAPE '!', false) OR coalesce("TargetFilename" ILIKE '%.hta' ESCAPE '!', false) OR coalesce("TargetFilename" ILIKE '%.ps1' ESCAPE '!', false) OR coalesce("TargetFilename" ILIKE '%.dll' ESCAPE '!', false) OR coalesce("TargetFilename" ILIKE '%.url' ESCAPE '!', false));
