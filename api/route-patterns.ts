// Finds the route that a request is for, also if the request failed before Express reached that route.
import type { Documented } from './endpoint';

export interface KnownRoute {
  /** As Express writes it. */
  path: string;
  method: string;
}

/** Returns every route whose path fits, whatever its method. A path with a fixed name wins over one with an id in its place. */
export function createRouteFinder(routes: readonly Documented[]): (path: string) => KnownRoute[] {
  const known = routes.map(({ path, method }) => ({ path, pattern: patternOf(path), method: method.toUpperCase() }));
  return (path) => {
    const there = known.filter(({ pattern }) => pattern.test(path));
    const named = there.filter((route) => route.path === path);
    return named.length > 0 ? named : there;
  };
}

/** Returns the pattern of the route that takes this method and path, null if none does. */
export function createRouteNamer(routes: readonly Documented[]): (method: string, path: string) => string | null {
  const find = createRouteFinder(routes);
  return (method, path) => {
    const wanted = method === 'HEAD' ? 'GET' : method;
    return find(path).find((route) => route.method === wanted)?.path ?? null;
  };
}

const patternOf = (path: string) => new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/:\w+/g, '[^/]+')}$`);
