const BLOCKS = new Set(['it', 'test', 'describe', 'suite', 'bench']);
const MODIFIERS = new Set(['skip', 'only', 'todo', 'skipIf', 'runIf', 'fails']);
const PREFIXED = new Set(['xit', 'xtest', 'xdescribe', 'fit', 'fdescribe']);

/** Every test runs, and none runs alone. @type {import('eslint').Rule.RuleModule} */
export const noUnrunTest = {
  meta: { type: 'problem', schema: [], messages: { unrun: 'Every test runs: {{name}} is not for here.' } },
  create(context) {
    return {
      /** @param {any} node */
      MemberExpression(node) {
        const name = node.property.name ?? node.property.value;
        if (!MODIFIERS.has(name)) return;
        let object = node.object;
        while (object.type === 'MemberExpression') object = object.object;
        if (object.type === 'Identifier' && BLOCKS.has(object.name)) {
          context.report({ node, messageId: 'unrun', data: { name: `${object.name}.${name}` } });
        }
      },
      'CallExpression > Identifier.callee'(node) {
        if (PREFIXED.has(node.name)) context.report({ node, messageId: 'unrun', data: { name: node.name } });
      },
      // The options of a test: { skip: true }; and context.skip() inside one.
      "CallExpression[callee.type='Identifier'] > ObjectExpression > Property"(node) {
        const callee = node.parent.parent.callee;
        const name = node.key.name ?? node.key.value;
        if (BLOCKS.has(callee.name) && MODIFIERS.has(name)) {
          context.report({ node, messageId: 'unrun', data: { name: `{ ${name} }` } });
        }
      },
      "CallExpression[callee.property.name='skip'][callee.object.name=/^(context|ctx|task|t)$/]"(node) {
        context.report({ node, messageId: 'unrun', data: { name: 'skip()' } });
      },
    };
  },
};
