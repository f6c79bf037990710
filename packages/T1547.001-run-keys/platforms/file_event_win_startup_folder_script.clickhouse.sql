-- Script Or Program Appears In A Startup Folder
-- Sigma rule 1d8c7a44-6a3b-4c1e-8b58-7f4d2f6a9b32, level medium
SELECT *
FROM events
WHERE ((ifNull(lower(`Channel`) = 'microsoft-windows-sysmon/operational', false) AND ifNull(`EventID` IN ('11'), false)))
  AND ifNull(ilike(`TargetFilename`, '%\\\\Start Menu\\\\Programs\\\\Startup\\\\%'), false) AND (ifNull(ilike(`TargetFilename`, '%.exe'), false) OR ifNull(ilike(`TargetFilename`, '%.scr'), false) OR ifNull(ilike(`TargetFilename`, '%.bat'), false) OR ifNull(ilike(`TargetFilename`, '%.cmd'), false) OR ifNull(ilike(`TargetFilename`, '%.vbs'), false) OR ifNull(ilike(`TargetFilename`, '%.vbe'), false) OR ifNull(ilike(`TargetFilename`, '%.js'), false) OR ifNull(ilike(`TargetFilename`, '%.jse'), false) OR ifNull(ilike(`TargetFilename`, '%.wsf'), false) OR ifNull(ilike(`TargetFilename`, '%.hta'), false) OR ifNull(ilike(`TargetFilename`, '%.ps1'), false) OR ifNull(ilike(`TargetFilename`, '%.dll'), false) OR ifNull(ilike(`TargetFilename`, '%.url'), false));
