package api

func (a *API) collectorRoutes() []route { return nil }
