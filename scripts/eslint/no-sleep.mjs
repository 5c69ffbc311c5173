const TIMERS = new Set(['setTimeout', 'setInterval']);

/** A test waits for what it tests, not for time to pass: no `await new Promise((resolve) => setTimeout(resolve, n))`. @type {import('eslint').Rule.RuleModule} */
export const noSleep = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { sleep: 'Wait for the event itself, or move a virtual clock.' },
  },
  create(context) {
    /** Timers that only resolve a promise; one that guards a wait with a failure is no sleep. */
    const resolves = (executor, call) => {
      const [resolve] = executor.params;
      const [callback] = call.arguments;
      if (resolve?.type !== 'Identifier' || callback === undefined) return false;
      if (callback.type === 'Identifier') return callback.name === resolve.name;
      return (
        callback.type === 'ArrowFunctionExpression' &&
        callback.body.type === 'CallExpression' &&
        callback.body.callee.name === resolve.name
      );
    };
    return {
      CallExpression(node) {
        if (node.callee.type !== 'Identifier' || !TIMERS.has(node.callee.name)) return;
        /** @type {any} */
        let at = node.parent;
        for (; at !== null && at !== undefined; at = at.parent) {
          const isFunction = at.type === 'ArrowFunctionExpression' || at.type === 'FunctionExpression';
          if (!isFunction) continue;
          if (
            at.parent.type === 'NewExpression' &&
            at.parent.callee.name === 'Promise' &&
            resolves(at, node)
          ) {
            context.report({ node, messageId: 'sleep' });
          }
          return;
        }
      },
      ImportDeclaration({ source, specifiers }) {
        if (source.value !== 'node:timers/promises' && source.value !== 'timers/promises') return;
        for (const specifier of specifiers) {
          if (specifier.type !== 'ImportSpecifier' || specifier.imported.type !== 'Identifier') continue;
          if (specifier.imported.name === 'setTimeout')
            context.report({ node: specifier, messageId: 'sleep' });
        }
      },
    };
  },
};
