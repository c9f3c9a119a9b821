/** The routes: those of each screen, lazy, inside the shell. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { consoleBase } from './base';
import { NotFound, RouteError, RoutePending } from './route-states';
import { navigation, screens } from './screen';
import { Shell } from './Shell';

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    const first = navigation[0];
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- how this router redirects
    if (first && first.to !== '/') throw redirect({ to: first.to, replace: true });
  },
});

const routes = screens
  .flatMap((screen) => screen.routes)
  .map(({ path, load }) =>
    createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load) }),
  );

export function makeRouter() {
  return createRouter({
    routeTree: root.addChildren([home, ...routes]),
    basepath: consoleBase,
    defaultPreload: 'intent',
    defaultErrorComponent: RouteError,
    defaultPendingComponent: RoutePending,
    defaultPendingMs: 200,
    scrollRestoration: true,
  });
}
