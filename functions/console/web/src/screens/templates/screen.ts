import { LayoutTemplate } from 'lucide-react';
import { msg } from '@/app/i18n';
import { defineScreen } from '@/app/screen';

export default defineScreen({
  nav: { to: '/templates', label: msg('Templates'), icon: LayoutTemplate, order: 80 },
  routes: [{ path: '/templates', load: () => import('./index') }],
});
