# What turns options, URLs and credentials into settings.
set(transport_s3_settings_sources
  AccessPoint.cpp
  Encryption.cpp
  Endpoint.cpp
  Environment.cpp
  Provider.cpp
  Settings.cpp
  TextFile.cpp
  Url.cpp
  UrlHost.cpp
  UrlQuery.cpp)
